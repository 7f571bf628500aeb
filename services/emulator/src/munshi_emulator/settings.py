"""Settings of the process, read from the environment (`MUNSHI_EMULATOR_…`)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What is fixed while the process runs. What a test wants to turn meanwhile is in `models.Knobs`."""

    model_config = SettingsConfigDict(
        env_prefix="MUNSHI_EMULATOR_", frozen=True, use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. The control API has no password, so the default never leaves the machine."""
    port: int = Field(default=8010, ge=0, le=65535)
    """TCP port; 0 takes a free one, which the log line `listening` and the file `port` in the data folder
    name."""
    data_dir: Path = Path("emulator-data")
    """Folder of the database and of the media; made if it is missing. Relative, so that a first try needs no
    setting."""
    retry_first_seconds: float = Field(default=0.2, gt=0)
    """Wait before the first repetition of a webhook that was not answered by 200. Doubles each time. Meta's
    is longer; a short one lets tests end soon."""
    retry_max_seconds: float = Field(default=30.0, gt=0)
    """The longest such wait, so that a webhook that was down for hours is served soon after it is back."""
    retry_days: float = Field(default=7.0, gt=0)
    """After so many days (of the movable clock) a webhook is given up, as Meta does."""
    webhook_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long a webhook may take to answer before it counts as failed: ten times what Meta asks of the
    slowest."""
    webhook_concurrency: int = Field(default=16, ge=1)
    """Webhooks in flight at once to one address. More updates than that wait and then travel together."""
    webhook_body_bytes: int = Field(default=2_900_000, ge=1000)
    """A body never grows beyond this (Meta's limit is 3 MB)."""
    silence_seconds: float = Field(default=60.0, gt=0)
    """How long a call that is never answered (a fault) is held before its connection is closed; longer than
    any sender waits."""
    page_cursor_limit: int = Field(default=500, ge=10)
    """Messages in one frame of the page's event stream: large enough to catch up fast, small enough to draw
    at once."""
    stop_seconds: float = Field(default=3.0, gt=0)
    """How long requests in flight are given after SIGTERM. Nothing is lost by cutting them: all is on
    disk."""
