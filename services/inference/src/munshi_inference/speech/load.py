"""Which engine hears for a service."""

import functools
import importlib.util
from pathlib import Path

from munshi.contracts.media import EngineInfo, FileRef, ReadHints, Transcriber, Transcript
from munshi.inference import EngineMissing, InferenceSettings
from munshi_inference.files import bytes_of
from munshi_inference.pool import Pool
from munshi_inference.speech import hub
from munshi_inference.speech.faster import ENGINE as FASTER
from munshi_inference.speech.faster import FasterWhisper
from munshi_inference.speech.original import ENGINE as ORIGINAL
from munshi_inference.speech.original import OriginalWhisper

_WEIGHTS = "model.bin"
ADD = (
    "make engines, then set MUNSHI_SPEECH_MODEL to hub:Systran/faster-whisper-small (fetched once, 0.5 GB) "
    "or to a folder with Whisper weights; or set MUNSHI_SPEECH_URL to a service"
)
"""The step that adds speech where nothing is given."""


class PooledTranscriber:
    """A Whisper in a process of its own, which is loaded when the first note comes."""

    def __init__(self, engine: str, model: Path, longest_seconds: float, name: str) -> None:
        """`name`: of the model, for who asks what hears here."""
        self._info = EngineInfo("speech", engine, "in-process", model=name, ready=True)
        self._longest = longest_seconds
        build = FasterWhisper if engine == FASTER else OriginalWhisper
        self._pool: Pool[FasterWhisper | OriginalWhisper] = Pool("speech", functools.partial(build, model))

    def info(self) -> EngineInfo:
        """What it is. Whisper knows some hundred languages: none is listed."""
        return self._info

    async def transcribe(self, file: FileRef, hints: ReadHints) -> Transcript:
        """Writes down one sound. Raises: as the port says."""
        wav = await bytes_of(file)
        languages = tuple(dict.fromkeys(tag.split("-", 1)[0] for tag in hints.languages))
        heard: Transcript = await self._pool.call(
            "transcribe", wav, languages, self._longest, seconds=hints.seconds
        )
        return heard

    async def close(self) -> None:
        """Ends its process."""
        self._pool.close()


def load(settings: InferenceSettings) -> Transcriber:
    """A service by URL, else weights by path or out of a hub, else recorded answers (a `.json` file in place
    of weights). Weights of a hub are fetched here, the first time, which takes minutes.

    Raises:
        EngineMissing: none of these is given, the hub is away, or what reads the weights is not installed.
        UserMistake: the recorded answers are unusable.
    """
    if settings.speech_url:
        from munshi_inference.speech.over_http import HttpTranscriber

        return HttpTranscriber(settings)
    model = settings.speech_model
    if model is None:
        raise EngineMissing(_missing(ADD))
    if model.suffix == ".json":
        from munshi_inference.speech.recorded import RecordedTranscriber

        return RecordedTranscriber(model)
    engine, package = (ORIGINAL, "whisper") if model.suffix == ".pt" else (FASTER, "faster_whisper")
    named = hub.is_named(model)
    weights = model if engine == ORIGINAL else model / _WEIGHTS
    if not named and not weights.is_file():
        raise EngineMissing(_missing(f"MUNSHI_SPEECH_MODEL: there is no {weights}"))
    if importlib.util.find_spec(package) is None:
        step = "make engines" if engine == FASTER else "pip install openai-whisper"
        raise EngineMissing(_missing(f"{engine} is not installed: {step}"))
    folder = _folder(model, settings) if named else model
    name = str(model) if named else model.stem
    return PooledTranscriber(engine, folder, settings.speech_longest_seconds, name)


def _folder(model: Path, settings: InferenceSettings) -> Path:
    try:
        return hub.fetched(model, settings.speech_cache)
    except hub.HubAway as error:
        step = "start again when it does, or set MUNSHI_SPEECH_MODEL to another name or a folder with weights"
        raise EngineMissing(_missing(f"{error}: {step}")) from error


def _missing(step: str) -> EngineInfo:
    return EngineInfo("speech", "", "", add=step)
