"""How a service finds the engines that read, hear, speak and embed: settings, and entry points by group."""

import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from munshi.contracts.media import READERS, EngineInfo
from munshi.contracts.understanding import Understander
from munshi.errors import MunshiError, UserMistake


class EngineMissing(MunshiError):
    """An engine cannot be had here; `info.add` names the one step that adds it."""

    def __init__(self, info: EngineInfo) -> None:
        super().__init__(info.add)
        self.info = info


class InferenceSettings(BaseSettings):
    """Where engines and their models are; empty is: what this machine has, in process."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_", frozen=True, extra="ignore")

    triton_url: str = Field(
        default="",
        description="host:port of Triton's gRPC, which reads files and makes vectors; empty: in process.",
    )
    triton_http_url: str = Field(
        default="",
        pattern=r"^$|^[^\s/]+:\d{1,5}$",
        description="host:port of Triton's HTTP, which reads texts; empty: in process.",
    )
    triton_seconds: float = Field(
        default=30.0, gt=0, description="Longest wait for one answer of Triton; a slow page takes 3 s."
    )
    triton_models: str = Field(
        default="ledger_nlu,documents,embeddings",
        description="Models that Triton loads and clients ask for, separated by commas; `speech` goes in "
        "where Triton has Whisper's weights.",
    )
    triton_files: Path | None = Field(
        default=None,
        description="Folder that Triton may read files in, by path; given where it shares the disk with the "
        "services. Default: none, files are sent as bytes or as a URL.",
    )
    nlu_model: Path | None = Field(
        default=None,
        description="Folder of a fine-tuned model of understanding, with its card; default: Munshi's own.",
    )
    speech_model: Path | None = Field(
        default=None,
        description="Whisper weights: a CTranslate2 folder (faster-whisper), a .pt file (openai-whisper), or "
        "`hub:owner/name` with an optional `@revision`: fetched from Hugging Face, or HF_ENDPOINT, once.",
    )
    speech_cache: Path | None = Field(
        default=None,
        description="Folder that weights out of a hub are kept in. Default: Hugging Face's own; `munshi up` "
        "keeps them in its data folder.",
    )
    speech_url: str = Field(
        default="", description="Base URL of an OpenAI-compatible transcription service; wins over a model."
    )
    speech_url_model: str = Field(default="whisper-1", description="Model name for that service.")
    speech_key: SecretStr = Field(default=SecretStr(""), description="Key of that service.")
    speech_longest_seconds: float = Field(
        default=600.0, gt=0, description="Sound beyond this many seconds is not written down; 10 minutes."
    )
    ocr_model_dir: Path | None = Field(
        default=None, description="PaddleOCR models of one's own, a folder each; default: those of rapidocr."
    )
    ocr_processes: int = Field(
        default=0,
        ge=0,
        description="Processes that read pictures; 0: half of the cores. A pod sees all cores of its node, "
        "so it is told.",
    )
    embeddings_url: str = Field(
        default="", description="Base URL of an OpenAI-compatible embeddings service; default: in process."
    )
    embeddings_model: str = Field(
        default="",
        description="Model name for that service; vectors of 384, 768, 1024 and 1536 numbers have an index.",
    )
    embeddings_key: SecretStr = Field(default=SecretStr(""), description="Key of that service.")
    tts_url: str = Field(
        default="", description="Base URL of an OpenAI-compatible speech service; default: espeak-ng."
    )
    tts_model: str = Field(default="tts-1", description="Model name for that service.")
    tts_voice: str = Field(default="alloy", description="Voice of that service.")
    tts_key: SecretStr = Field(default=SecretStr(""), description="Key of that service.")
    tts_seconds: float = Field(default=20.0, gt=0, description="Longest wait for its answer.")


ENGINES = "munshi.engines"
"""Group of entry points of the engines that understand texts."""
_TRITON_MODELS: Mapping[str, str] = {READERS[part]: part for part in ("documents", "speech", "embeddings")}
"""Groups that Triton has a model for, with its name."""


def load_understander(name: str, settings: InferenceSettings) -> Understander:
    """The engine of understanding by its entry point; empty: `triton` where its HTTP is given, else `nlu`.

    Raises:
        UserMistake: none of this name is installed.
    """
    name = name or ("triton" if settings.triton_http_url else "nlu")
    for point in importlib.metadata.entry_points(group=ENGINES, name=name):
        engine: Understander = point.load()(settings)
        return engine
    raise UserMistake(f"no engine {name!r} is installed; MUNSHI_ENGINE names an entry point of {ENGINES}")


async def infos(engines: Iterable[object]) -> list[EngineInfo]:
    """What engines say of themselves, after those with something to find out did; and what is told where
    there is none (`EngineMissing`). Others are left out."""
    told: list[EngineInfo] = []
    for engine in engines:
        if isinstance(engine, EngineMissing):
            told.append(engine.info)
            continue
        check, info = getattr(engine, "check", None), getattr(engine, "info", None)
        if check is not None:
            await check()
        if info is not None:
            told.append(info())
    return told


def load_engine(group: str, settings: InferenceSettings) -> Any:
    """The engine of a group of entry points: `default`, or `triton` over it where Triton is given.

    Raises:
        EngineMissing: none can be had here.
    """
    points = {point.name: point for point in importlib.metadata.entry_points(group=group)}
    over_triton = settings.triton_url and _TRITON_MODELS.get(group) in settings.triton_models.split(",")
    names = ["triton", "default"] if over_triton else ["default"]
    for name in names:
        if name in points:
            return points[name].load()(settings)
    raise EngineMissing(
        EngineInfo(part=group.rpartition(".")[2], engine="", where="", add="install munshi-inference")
    )
