"""Engines that do as a file says: for tests of what the media service makes of an engine that is away,
broken, slow or deadly. Loaded by the service's own way, entry points.

The folder `MUNSHI_TEST_ENGINES` holds `documents`, `speech` and `voices`: a word each, read at every call;
and `calls`, to which each call adds a line.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import soundfile
from PIL import Image

from munshi.contracts.media import Document, EngineInfo, FileKind, FileRef, ReadHints, Transcript
from munshi.errors import Permanent, Retryable
from munshi.inference import InferenceSettings


class _Scripted:
    part = ""

    def __init__(self) -> None:
        self.folder = Path(os.environ["MUNSHI_TEST_ENGINES"])

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo(part=self.part, engine="scripted", where="in-process", model="m1", ready=True)

    async def close(self) -> None:
        """Holds nothing."""

    async def act(self, line: str) -> None:
        """Does as the file says, after it has told of the call."""
        with (self.folder / "calls").open("a") as calls:
            calls.write(f"{self.part} {line}\n")
        word, _, count = (self.folder / self.part).read_text().partition(" ")
        if count:  # so many times, then well
            left = int(count) - 1
            (self.folder / self.part).write_text(f"{word} {left}" if left else "well")
        await self._do(word)

    async def _do(self, word: str) -> None:
        if word == "away":
            raise Retryable("away", 0.1)
        if word == "refuses":
            raise Permanent("no", "some_reason")
        if word == "too_long":
            raise Permanent("no", "too_long")
        if word == "breaks":
            raise ValueError("broken")
        if word == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "hangs":
            await asyncio.sleep(3600)
        if word == "waits":
            # Until the test takes the word away.
            while (self.folder / self.part).read_text() == "waits":
                await asyncio.sleep(0.02)


def _content(file: FileRef) -> bytes:
    return file.data if file.data is not None else (file.path or Path()).read_bytes()


class Documents(_Scripted):
    """Reads nothing but the size."""

    part = "documents"

    async def warm(self) -> None:
        """Makes ready."""
        await self.act("made ready")

    async def read(self, file: FileRef, hints: ReadHints) -> Document:
        """Says what it was given."""
        await self.act(f"{hints.tenant} {file.mime_type}")
        size = "pdf"
        if file.mime_type != "application/pdf":
            import io

            with Image.open(io.BytesIO(_content(file))) as picture:
                size = f"{picture.width}x{picture.height} {len(picture.getexif())}"
        text = f"{size} {hints.currency} {','.join(hints.languages)} {hints.today}"
        return Document(kind=FileKind.RECEIPT, text=text, engine="scripted")


class Speech(_Scripted):
    """Writes down the length."""

    part = "speech"

    async def transcribe(self, file: FileRef, hints: ReadHints) -> Transcript:
        """Says what it was given."""
        await self.act(f"{hints.tenant} {file.mime_type}")
        import io

        with contextlib.closing(soundfile.SoundFile(io.BytesIO(_content(file)))) as sound:
            text = f"{sound.samplerate} {sound.channels} {sound.subtype}"
            return Transcript(text=text, seconds=sound.frames / sound.samplerate, engine="scripted")


class Voices(_Scripted):
    """Speaks silence, as long as the text."""

    part = "voices"

    async def speak(self, text: str, language: str) -> bytes:
        """Ogg/Opus."""
        await self.act(language)
        import io

        import numpy as np

        out = io.BytesIO()
        tone = np.sin(np.arange(2400 * len(text)) / 20).astype(np.float32) * 0.1
        soundfile.write(out, tone, 24000, format="OGG", subtype="OPUS")
        return out.getvalue()


def documents(_: InferenceSettings) -> Documents:
    """Entry point."""
    return Documents()


def speech(_: InferenceSettings) -> Speech:
    """Entry point."""
    return Speech()


def voices(_: InferenceSettings) -> Voices:
    """Entry point."""
    return Voices()
