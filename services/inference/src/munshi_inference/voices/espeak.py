"""espeak-ng, the plain voice that every Debian has: 10 ms a sentence, Hindi, English, Sinhala, Tamil."""

import asyncio
import shutil

from munshi.contracts.media import EngineInfo
from munshi.errors import Permanent, Retryable
from munshi.inference import EngineMissing
from munshi_inference.voices.opus import to_opus
from munshi_inference.voices.spoken import VOICES, spoken, voice_of

_PROGRAM = "espeak-ng"
_WORDS_A_MINUTE = "150"
"""Slower than its default 175: figures are to be written down."""
_SECONDS = 20.0
MISSING = EngineInfo(
    part="tts",
    engine="",
    where="",
    add="install espeak-ng (make system-packages), or give MUNSHI_TTS_URL a speech service",
)


class EspeakSpeaker:
    """Runs the program once a text; nothing stays in memory."""

    def __init__(self) -> None:
        """Raises: EngineMissing: the program is not there."""
        program = shutil.which(_PROGRAM)
        if program is None:
            raise EngineMissing(MISSING)
        self._program = program

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo("tts", _PROGRAM, "in-process", languages=tuple(VOICES), ready=True)

    async def close(self) -> None:
        """Holds nothing."""

    async def speak(self, text: str, language: str) -> bytes:
        """Speaks one text.

        Raises:
            Retryable: the program hung or was killed.
            Permanent: there is nothing to say in it (`nothing_to_say`).
        """
        voice = voice_of(language)
        words = spoken(text, voice)
        if not words:
            raise Permanent("nothing of the text can be said", "nothing_to_say")
        wav = await self._run(voice.code, words)
        try:
            return await asyncio.to_thread(to_opus, wav)
        except ValueError as error:
            raise Retryable(f"espeak-ng gave {error}") from error

    async def _run(self, voice: str, words: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            self._program,
            *("-v", voice, "-s", _WORDS_A_MINUTE, "--stdin", "--stdout"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                wav, _ = await process.communicate(words.encode())
        except TimeoutError as error:
            raise Retryable("espeak-ng took too long") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise Retryable(f"espeak-ng ended with {process.returncode}")
        return wav
