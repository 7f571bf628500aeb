"""What the media service takes from its environment."""

from pathlib import Path

from pydantic import Field

from munshi.settings import GraphSettings, ServiceSettings


class MediaSettings(GraphSettings, ServiceSettings):
    """Settings of the media service. Sizes in bytes, times in seconds."""

    media_hosts: tuple[str, ...] = Field(
        default=("fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net"),
        description="Hosts that files are fetched from (these and what lies below them), beside the Graph "
        "API's own: the tenant's token is shown to nobody else.",
    )
    public_url: str = Field(
        default="",
        description="Base of the signed URLs of a store that is a folder; empty: this service's own loopback "
        "address. S3 signs its own.",
    )
    spool_dir: Path | None = Field(
        default=None,
        description="Folder for files that are too large for memory while they are worked on; one service's "
        "own. Default: where the system keeps such files.",
    )
    fetches: int = Field(
        default=32,
        ge=1,
        description="Files fetched at once, all tenants together. Each holds at most 1 MiB of memory.",
    )
    waiting: int = Field(
        default=5_000,
        ge=1,
        description="Requests of one cell that wait or are worked on; beyond, who asks is told to come back.",
    )
    workers: int = Field(
        default=2,
        ge=1,
        description="Processes that open and convert files, each kept from the service's own memory.",
    )
    readings: int = Field(
        default=4,
        ge=1,
        description="Files read by engines at once; engines have queues of their own behind it.",
    )
    connect_seconds: float = Field(
        default=5.0, gt=0, description="Until a connection to Meta stands; it usually does within 0.2."
    )
    idle_seconds: float = Field(
        default=10.0, gt=0, description="Silence within a download after which it is begun anew."
    )
    fetch_seconds: float = Field(
        default=120.0,
        gt=0,
        description="One download as a whole. 100 MB in it are 0.8 MB/s; a slower one is asked for again.",
    )
    fetch_tries: int = Field(
        default=4,
        ge=1,
        description="Tries within one request before the asker is told to come back: some seconds with "
        "back-off.",
    )
    convert_seconds: float = Field(
        default=60.0,
        gt=0,
        description="To open and convert one file; a worker that takes longer is killed. The largest picture "
        "takes 3 s.",
    )
    read_seconds: float = Field(
        default=60.0, gt=0, description="Deadline of an engine for one file; a slow page takes 3 s."
    )
    read_tries: int = Field(
        default=3,
        ge=1,
        description="Times that an engine may fail on one file, crashes of the process included, before it "
        "counts as unreadable.",
    )
    warm_readers: bool = Field(
        default=False,
        description="Make the reader of pictures ready at the start: the first picture is then read as "
        "quickly as any other, 2 s of a core sooner, for 0.4 GB of memory that is held from the start. "
        "`munshi up` does; a pod of one tenant waits for its first picture.",
    )
    max_pixels: int = Field(
        default=60_000_000,
        ge=1_000_000,
        description="Largest picture that is decoded: a phone's 50 megapixels with some room; 180 MB of "
        "memory.",
    )
    max_pages: int = Field(default=20, ge=1, description="Longest PDF that is read.")
    voice_ids_days: float = Field(
        default=29.0,
        gt=0,
        description="How long an id of Meta for an uploaded file is used again; Meta keeps it 30 days.",
    )
    retention_seconds: float = Field(
        default=86_400.0,
        gt=0,
        description="Between two passes over a cell's objects that delete what is older than its tenant's "
        "retention.media. A day: a pass lists all objects, 1,000 a request, whatever the number of tenants.",
    )
