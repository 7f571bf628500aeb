"""Statuses of what was sent, as typed values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from munshi.contracts.cloud_api.tolerant import Raw, flag, integer, moment, obj, objects, text, word
from munshi.contracts.ids import MessageID


class StatusKind(StrEnum):
    """How far a message came. `delivered` may be skipped; they come out of order and late."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A word of the future; `raw` has it."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One of Meta's errors: in a failed status, in `value.errors`, or answering a call of ours."""

    code: int | None
    title: str
    message: str
    details: str
    """`error_data.details`: what the code alone does not say."""
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a message costs. Comes with `sent` and with one of delivered and read."""

    billable: bool | None
    model: str | None
    """`pricing_model`: `PMP`, formerly `CBP`."""
    type: str | None
    """`regular`, `free_customer_service`, `free_entry_point`."""
    category: str | None
    """`service`, `utility`, `marketing`, `authentication`, …"""


@dataclass(frozen=True, slots=True)
class Status:
    """One element of `value.statuses`."""

    id: MessageID | None
    kind: StatusKind
    at: datetime | None
    recipient: str | None
    """`recipient_id`: the number in digits; may be absent."""
    recipient_user_id: str | None
    """The recipient's BSUID."""
    callback_data: str | None
    """`biz_opaque_callback_data`, as we sent it."""
    conversation_id: str | None
    window_expires_at: datetime | None
    """`conversation.expiration_timestamp`, where given."""
    pricing: Pricing | None
    errors: tuple[ApiError, ...]
    raw: Raw = field(repr=False)


_KINDS = {kind.value: kind for kind in StatusKind}


def parse_error(raw: Raw) -> ApiError:
    """Reads one error object. Never raises."""
    return ApiError(
        code=integer(raw.get("code")),
        title=text(raw.get("title")) or text(raw.get("type")),
        message=text(raw.get("message")),
        details=text(obj(raw.get("error_data")).get("details")),
        raw=raw,
    )


def _pricing(value: Any) -> Pricing | None:
    given = obj(value)
    if not given:
        return None
    billable = given.get("billable")
    return Pricing(
        billable=flag(billable) if isinstance(billable, bool) else None,
        model=word(given.get("pricing_model")),
        type=word(given.get("type")),
        category=word(given.get("category")),
    )


def parse_status(raw: Raw) -> Status:
    """Reads one element of `value.statuses`. Never raises; an unheard-of word is `UNKNOWN`."""
    conversation = obj(raw.get("conversation"))
    wamid = word(raw.get("id"))
    return Status(
        id=MessageID(wamid) if wamid else None,
        kind=_KINDS.get(text(raw.get("status")), StatusKind.UNKNOWN),
        at=moment(raw.get("timestamp")),
        recipient=word(raw.get("recipient_id")),
        recipient_user_id=word(raw.get("recipient_user_id")),
        callback_data=word(raw.get("biz_opaque_callback_data")),
        conversation_id=word(conversation.get("id")),
        window_expires_at=moment(conversation.get("expiration_timestamp")),
        pricing=_pricing(raw.get("pricing")),
        errors=tuple(parse_error(error) for error in objects(raw.get("errors"))),
        raw=raw,
    )
