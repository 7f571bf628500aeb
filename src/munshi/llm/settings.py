"""Which language models the platform has."""

from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ModelSettings(BaseModel):
    """One model behind an OpenAI-compatible URL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$")
    """By which tenants choose it and costs are kept."""
    url: str
    """Base, with `/v1`."""
    model: str
    """The server's own name of it."""
    key: SecretStr = SecretStr("")
    prompt_price: Decimal = Field(default=Decimal(0), ge=0)
    """US dollars for a million tokens."""
    completion_price: Decimal = Field(default=Decimal(0), ge=0)
    """US dollars for a million tokens."""
    seconds: float = Field(default=15.0, gt=0)
    """Longest wait for one answer, before the next model is asked."""
    cache_salt: bool = False
    """vLLM takes a salt for its prefix cache, so that no tenant can tell by the time of an answer what
    another asked; other servers refuse what they do not know."""


class LlmSettings(BaseSettings):
    """What a service takes from its environment."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_", frozen=True, extra="ignore")

    llm_models: tuple[ModelSettings, ...] = Field(
        default=(),
        description='Language models in the order in which they are tried, as JSON: `[{"name": "small", '
        '"url": "http://vllm/v1", "model": "…", "prompt_price": "0.10", "completion_price": "0.40"}]`. '
        "Prices are US dollars for a million tokens. Empty: there is none.",
    )
    llm_keys_dir: Path | None = Field(
        default=None,
        description="Folder with the models' keys, a file each by the model's name: a mounted Secret. Read "
        "at each call, so that a rotated key needs no restart. It goes before `key` in MUNSHI_LLM_MODELS.",
    )
