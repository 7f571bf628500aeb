"""What travels on the bus: one envelope for each update of a webhook."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from munshi.contracts.ids import PhoneNumberID, TenantKey

HEADER_ID = "Nats-Msg-Id"
HEADER_TRACE = "traceparent"


class Kind(StrEnum):
    """Which part of a webhook an event was."""

    MESSAGE = "message"
    """An element of `value.messages`."""
    STATUS = "status"
    """An element of `value.statuses`."""
    ERROR = "error"
    """An element of `value.errors`."""
    PREFERENCE = "preference"
    """An element of `value.user_preferences`."""
    FIELD = "field"
    """A whole `change` of another field than `messages`."""


class Person(BaseModel):
    """Who an event is from or about, as far as the webhook says: at least one of `bsuid` and `phone`."""

    model_config = ConfigDict(frozen=True)

    bsuid: str | None = None
    """Business-scoped user id, `CC.` and up to 128 alphanumerics: the first identity."""
    phone: str | None = None
    """WhatsApp id: the number in digits, without `+`. May be absent."""
    name: str | None = None
    username: str | None = None


class Envelope(BaseModel):
    """One event as kept. `id` is unique in the tenant: a message's wamid, or a key of status and time."""

    model_config = ConfigDict(frozen=True)

    v: int = 1
    tenant: TenantKey
    kind: Kind
    id: str
    phone_number_id: PhoneNumberID | None = None
    person: Person | None = None
    at: datetime | None = None
    """Meta's time of the event, where it gives one."""
    received_at: datetime
    raw: dict[str, Any]
    """The element as it came, with every field unknown to us."""


class DeadLetter(BaseModel):
    """What ingress could not sort or read. `body` is the raw text, or base64 where it is no UTF-8."""

    model_config = ConfigDict(frozen=True)

    v: int = 1
    tenant: TenantKey
    id: str
    """SHA-256 of the body in hex: the same letter twice is kept once."""
    reason: str
    """A stable word: `malformed_json`, `unknown_object`, `foreign_phone_number`, …"""
    detail: str = ""
    received_at: datetime
    body: str
    encoding: str = "utf-8"
