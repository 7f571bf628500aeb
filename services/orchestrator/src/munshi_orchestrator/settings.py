"""What the orchestrator takes from its environment."""

import secrets
import socket

from pydantic import Field, PrivateAttr

from munshi.settings import GraphSettings, ServiceSettings


class OrchestratorSettings(GraphSettings, ServiceSettings):
    """Settings of one worker."""

    worker: str | None = Field(
        default=None,
        min_length=1,
        max_length=120,
        description=(
            "This worker's name; one process at a time may bear it. A restart under the same name takes its "
            "dead predecessor's lanes at once. Default: the host's name (a pod's is its own) and the port, "
            "which no two living processes of a host can share."
        ),
    )
    engine: str = Field(
        default="",
        description="Entry point in the group `munshi.engines` that understands texts: `nlu` in process, "
        "`triton`. Empty: Triton where MUNSHI_TRITON_HTTP_URL is given, else in process.",
    )
    lease_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Seconds that a silent worker keeps its lanes. 5: five lost heartbeats, and a dead "
        "worker's people wait no longer.",
    )
    heartbeat_seconds: float = Field(
        default=1.0,
        gt=0,
        description="Seconds between heartbeats; also how soon a freed lane is seen. 1: one small "
        "statement a second and cell.",
    )
    in_flight: int = Field(
        default=20_000,
        ge=100,
        description="Messages held in memory by this process, all lanes together. 20,000 of about 2 kB are "
        "40 MB.",
    )
    in_flight_per_lane: int = Field(
        default=4_000,
        ge=10,
        description="Messages held in memory for one lane, so that one flooded lane leaves room for the "
        "others.",
    )
    concurrent_turns: int = Field(
        default=64,
        ge=1,
        description="Turns computed at once in a cell. A turn is mostly CPU: more only adds waiting inside.",
    )
    database_connections: int = Field(
        default=12,
        ge=2,
        description="Connections a cell. Turns are one short statement each; 12 keep a core busy.",
    )
    turn_tries: int = Field(
        default=4,
        ge=1,
        description="Tries of a turn that fails by a defect, crashes of the process included, before it "
        "becomes a dead letter. 4 with back-off are about 5 s: what is worse than that does not heal by "
        "itself.",
    )
    send_connections: int = Field(
        default=128,
        ge=1,
        description="Sends at once. 128 at Meta's usual 200 ms are 640 messages a second.",
    )
    send_seconds: float = Field(
        default=15.0,
        gt=0,
        description="Seconds to wait for the answer to a send before its fate counts as unknown. Meta "
        "answers "
        "within a second or two; far beyond that the status tells sooner than the answer.",
    )
    settle_after_seconds: float = Field(
        default=300.0,
        ge=0,
        description="Seconds to wait for the status of a send whose answer was lost, before it is sent "
        "again; time in which bus or database were away does not count. Statuses come within seconds; "
        "5 minutes cover a bad day at Meta. It is not sent again while nothing else is heard of Meta; after "
        "twelve times as long it becomes a dead letter.",
    )
    number_rate: float = Field(
        default=80.0,
        gt=0,
        description="Messages a second of one business number, in and out together: Meta's usual 80, "
        "1,000 after an upgrade.",
    )
    pause_retry_seconds: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds until one message is tried again on a number that Meta stopped (quality, "
        "restrictions, billing). An hour: such stops last hours or days, and each try may prolong them.",
    )
    typing_seconds: float = Field(
        default=1.0,
        gt=0,
        description="A turn longer than this shows the read tick and typing dots. 1 s: what is quicker "
        "is answered before the dots would be seen.",
    )
    media_seconds: float = Field(
        default=900.0,
        gt=0,
        description="Seconds until a message whose file cannot be fetched or read becomes a dead letter and "
        "the person is told. 15 minutes: a media service that is restarted or busy is waited for; longer "
        "would hold up what the person writes behind it.",
    )
    media_silence_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Seconds without a sign of life from the media service before it is asked again. It "
        "gives one a second.",
    )
    announce_seconds: float = Field(
        default=4.0,
        gt=0,
        description="Seconds that a file may take before the person is told that it is being worked on. "
        "4: most receipts are read within 3.",
    )
    voice_seconds: float = Field(
        default=8.0,
        gt=0,
        description="Seconds that a spoken reply may take to be made; then its text is sent. 8: a person who "
        "waits longer would rather read.",
    )
    erase_seconds: float = Field(
        default=2.0,
        gt=0,
        description="Seconds between looks for files that are to be deleted on request. 2: one small "
        "statement a cell, and a person who asks waits no longer.",
    )
    retention_seconds: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds between runs of the retention jobs of a cell. Retention is given in hours and "
        "days.",
    )

    _unique: str = PrivateAttr(default_factory=lambda: secrets.token_hex(4))

    @property
    def worker_name(self) -> str:
        """`worker`, or a name that only one living process can have."""
        return self.worker or f"{socket.gethostname()}-{self.port or self._unique}"
