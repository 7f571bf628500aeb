"""Answers that were recorded before, for conversations in tests and demonstrations where no weights are at
hand: a JSON file of `Transcript`s by the SHA-256 of the sound's samples."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from munshi.contracts.media import EngineInfo, FileRef, ReadHints, Transcript
from munshi.errors import UserMistake
from munshi_inference.files import bytes_of
from munshi_inference.speech.sound import RATE, samples_of

ENGINE = "recorded"
_LONGEST = 3600.0
_ANSWERS = TypeAdapter(dict[str, Transcript])


def digest_of(wav: bytes) -> str:
    """Under which an answer is recorded: of the samples, whatever the file's header says."""
    return hashlib.sha256(samples_of(wav, _LONGEST).tobytes()).hexdigest()


class RecordedTranscriber:
    """Gives back what was recorded; a sound that was not is heard as nothing."""

    def __init__(self, path: Path) -> None:
        """Raises: UserMistake: the file is not there, or holds no answers."""
        try:
            self._answers: Mapping[str, Transcript] = _ANSWERS.validate_json(path.read_bytes())
        except OSError as error:
            raise UserMistake(f"MUNSHI_SPEECH_MODEL: {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise UserMistake(f"MUNSHI_SPEECH_MODEL: {path} holds no recorded answers") from error
        self._path = path

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo("speech", ENGINE, "in-process", model=self._path.name, ready=True)

    async def close(self) -> None:
        """Holds nothing."""

    async def transcribe(self, file: FileRef, hints: ReadHints) -> Transcript:
        """The recorded answer."""
        del hints
        wav = await bytes_of(file)
        known = self._answers.get(digest_of(wav))
        seconds = len(samples_of(wav, _LONGEST)) / RATE
        return known or Transcript(text="", seconds=round(seconds, 2), engine=ENGINE)
