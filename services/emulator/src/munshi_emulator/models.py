"""What the stand-in knows: numbers, people, and the knobs a test may turn. Contracts of its own: it must stay
independent of the program that it tests."""

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Digits = Annotated[str, StringConstraints(pattern=r"^\d{5,20}$")]


class PhoneNumber(BaseModel):
    """A business's WhatsApp number with the app it belongs to."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone_number_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    waba_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    display_phone_number: str
    verified_name: str
    app_secret: str = Field(min_length=1)
    """Key of the signature. Never empty: an unsigned webhook would hide a receiver that checks nothing."""
    app_secret_previous: str | None = None
    """Used to sign when the fault `sign: previous` asks for it (a rotation that is not over)."""
    access_tokens: list[str] = Field(min_length=1)
    expired_tokens: list[str] = []
    """Answered by error 190 with subcode 463."""
    verify_token: str = ""
    webhook_url: str | None = None
    portfolio: str = "portfolio"
    """Business-scoped user ids are made per portfolio."""
    throughput: float = Field(default=80, gt=0)
    """Messages a second, in and out together."""
    pair_limit: bool = True
    messaging_limit: Literal[250, 2_000, 10_000, 100_000] | None = None
    """People whom the portfolio may write to first (outside their windows) in 24 hours; absent: unlimited.
    Where its numbers say different ones, that of the number which sends."""
    messaging_limit_code: int = 131048
    """The error beyond that limit. Meta's page names no code for it."""
    quality_rating: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] = "GREEN"
    about: str = ""
    """A line under the name on the page."""
    starters: list[str] = []
    """Messages that the page suggests for a first try."""


class Person(BaseModel):
    """A customer with a phone."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    person_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    name: str = "Customer"
    phone: Digits
    phone_hidden: bool = False
    """Businesses see the BSUID only: `from` and `wa_id` are absent."""
    bsuid_hidden: bool = False
    """As before 2026: businesses see the phone only."""
    username: str | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "IN"
    generation: int = 0
    """Raised when the number changes; a new one gives new BSUIDs."""
    reads: Literal["auto", "page", "never"] = "auto"
    """When messages become `read`: by themselves, when the page shows them, or never."""
    on_whatsapp: bool = True
    """False: every message fails with 131026."""

    def bsuid(self, portfolio: str) -> str:
        """Business-scoped user id of this person for one portfolio."""
        seed = f"{self.person_id}|{portfolio}|{self.generation}".encode()
        return f"{self.country}.{int.from_bytes(hashlib.sha256(seed).digest()[:13], 'big')}"


class Knobs(BaseModel):
    """What can be turned while the stand-in runs; kept over a restart."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    sent_ms: int = Field(default=50, ge=0)
    delivered_ms: int = Field(default=250, ge=0)
    read_ms: int = Field(default=1000, ge=0)
    """Delays of the status ladder after a send was accepted."""
    skip_delivered: float = Field(default=0.0, ge=0, le=1)
    """Share of messages whose `delivered` is left out because they were read at once."""
    refuse_in: Literal["answer", "status"] = "answer"
    """Where a closed window, an opt-out and an unreachable person show: in the answer, or as a `failed`
    status after a 200. Meta does both."""
    statuses: bool = True
    """False: no status webhooks at all."""


class DeliveryFaults(BaseModel):
    """How webhooks of a number (or of all, `*`) travel."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    paused: bool = False
    """Nothing is delivered until this is False again; nothing is lost."""
    batch_max: int = Field(default=100, ge=1, le=1000)
    """Most updates in one POST. They are joined only when they wait: while `linger_ms` lasts, or when every
    connection is busy."""
    linger_ms: int = Field(default=0, ge=0)
    """How long an update waits for company."""
    permute: bool = False
    """Shuffle what waits together (with `linger_ms`), so that order is lost within and across POSTs."""
    duplicate: float = Field(default=0.0, ge=0, le=1)
    """Share of updates that are delivered twice."""
    late: float = Field(default=0.0, ge=0, le=1)
    """Share of updates that are held back by `late_seconds`."""
    late_seconds: float = Field(default=2.0, ge=0)
    lost_ack: float = Field(default=0.0, ge=0, le=1)
    """Share of POSTs whose 200 is lost on the way, so that all of it comes again."""
    sign: Literal["current", "previous", "wrong", "none"] = "current"


class Fault(BaseModel):
    """A rule by which the Graph API fails. The first rule that matches acts."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    id: str = ""
    kind: Literal[
        "error",
        "status",
        "timeout",
        "lose_answer",
        "reset",
        "http",
        "delay",
        "truncated",
        "slow",
        "other_bytes",
        "more_bytes",
    ]
    """`error`: refused with `code`. `status`: accepted, then a `failed` status with `code`. `timeout`:
    accepted and never answered. `lose_answer`: accepted, then the connection is cut. `reset`: connection
    reset, nothing taken. `http`: plain answer of `http_status` without Meta's body, nothing taken. `delay`:
    `seconds` later, else normal. The last four are for files that are fetched: half of the bytes and then the
    connection is cut; the bytes drop by drop over `seconds`; other bytes of the same length; `extra_bytes`
    more than Meta said."""
    code: int | None = None
    error_class: str | None = None
    """Instead of `code`: a class of `errors.CLASSES`."""
    details: str = "injected fault"
    http_status: int = Field(default=500, ge=400, le=599)
    seconds: float = Field(default=1.0, ge=0)
    extra_bytes: int = Field(default=1024, ge=1, le=200_000_000)
    endpoint: Literal["messages", "media", "media_url", "media_bytes", "any"] = "messages"
    """`media`: everything about files, of which `media_url` is the question where one lies and `media_bytes`
    the fetching of one."""
    phone_number_id: str | None = None
    recipient: str | None = None
    """Value of `to` or `recipient`."""
    type: str | None = None
    """Message type; `read` for mark-as-read."""
    count: int | None = Field(default=None, ge=1)
    """How often it acts; None for ever."""
    probability: float = Field(default=1.0, ge=0, le=1)
