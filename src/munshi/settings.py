"""Settings that programs share; only the composition root reads them from the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """What every long-running program takes from its environment, each under its own prefix."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Loopback: nothing is open by accident; a pod sets 0.0.0.0.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged; at info a service names every message once."
    )
    stop_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Seconds that a stop may take to finish what was begun; below a pod's usual grace of 30.",
    )


class ServiceSettings(ProcessSettings):
    """What each service takes from its environment."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_")

    cells_dir: Path = Field(
        default=Path("/etc/munshi/cells"),
        description="Folder with a sub-folder for each cell to serve; where a pod's Secrets are mounted.",
    )


class GraphSettings(BaseSettings):
    """Of programs that talk to Meta."""

    graph_url: str = Field(
        default="https://graph.facebook.com",
        description="Base of the Graph API, without version; on one machine the emulator's.",
    )
