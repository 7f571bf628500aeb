"""How a service finds the engines that read, hear, speak and embed: settings, and entry points by group."""

import importlib.metadata
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from munshi.contracts.media import EngineInfo
from munshi.errors import MunshiError


class EngineMissing(MunshiError):
    """An engine cannot be had here; `info.add` names the one step that adds it."""

    def __init__(self, info: EngineInfo) -> None:
        super().__init__(info.add)
        self.info = info


class InferenceSettings(BaseSettings):
    """Where engines and their models are; empty is: what this machine has, in process."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_", frozen=True, extra="ignore")

    triton_url: str = Field(
        default="", description="host:port of Triton's gRPC; empty: engines run in process."
    )
    triton_seconds: float = Field(
        default=30.0, gt=0, description="Longest wait for one answer of Triton; a slow page takes 3 s."
    )
    speech_model: Path | None = Field(
        default=None,
        description="Whisper weights: a CTranslate2 folder (faster-whisper) or a .pt file (openai-whisper).",
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
    embeddings_url: str = Field(
        default="", description="Base URL of an OpenAI-compatible embeddings service; default: in process."
    )
    embeddings_model: str = Field(default="", description="Model name for that service.")
    embeddings_key: SecretStr = Field(default=SecretStr(""), description="Key of that service.")
    tts_url: str = Field(
        default="", description="Base URL of an OpenAI-compatible speech service; default: espeak-ng."
    )
    tts_model: str = Field(default="tts-1", description="Model name for that service.")
    tts_voice: str = Field(default="alloy", description="Voice of that service.")
    tts_key: SecretStr = Field(default=SecretStr(""), description="Key of that service.")
    tts_seconds: float = Field(default=20.0, gt=0, description="Longest wait for its answer.")


def load_engine(group: str, settings: InferenceSettings) -> Any:
    """The engine of a group of entry points: `default`, or `triton` over it where Triton is given.

    Raises:
        EngineMissing: none can be had here.
    """
    points = {point.name: point for point in importlib.metadata.entry_points(group=group)}
    names = ["triton", "default"] if settings.triton_url else ["default"]
    for name in names:
        if name in points:
            return points[name].load()(settings)
    raise EngineMissing(
        EngineInfo(part=group.rpartition(".")[2], engine="", where="", add="install munshi-inference")
    )
