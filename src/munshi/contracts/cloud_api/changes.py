"""Webhook fields other than messages and statuses, as typed values. Each keeps the whole `change`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from munshi.contracts.cloud_api.messages import Message
from munshi.contracts.cloud_api.reading import parse_message
from munshi.contracts.cloud_api.tolerant import Raw, moment, obj, objects, text, word


@dataclass(frozen=True, slots=True)
class Preference:
    """An element of `user_preferences`: a person stops or resumes marketing messages."""

    phone: str | None
    user_id: str | None
    category: str
    """`marketing_messages`."""
    value: str
    """`stop` or `resume`."""
    detail: str
    at: datetime | None
    raw: Raw = field(repr=False)

    @property
    def stopped(self) -> bool:
        """Whether no marketing may be sent any more."""
        return self.value == "stop"


def parse_preference(raw: Raw) -> Preference:
    """Reads one element of `value.user_preferences`. Never raises."""
    return Preference(
        phone=word(raw.get("wa_id")),
        user_id=word(raw.get("user_id")),
        category=text(raw.get("category")),
        value=text(raw.get("value")),
        detail=text(raw.get("detail")),
        at=moment(raw.get("timestamp")),
        raw=raw,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What every field's change has."""

    field_name: ClassVar[str] = ""
    name: str
    """`field` of the change, as Meta names it."""
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStatus(Change):
    """A template was approved, rejected, paused or disabled."""

    field_name: ClassVar[str] = "message_template_status_update"
    event: str
    template_id: str | None
    template_name: str
    language: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate(Change):
    """Something about the business account: a violation, a restriction, a ban, a deletion."""

    field_name: ClassVar[str] = "account_update"
    event: str
    ban_state: str
    restrictions: tuple[Raw, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberQuality(Change):
    """Quality or throughput of a number changed."""

    field_name: ClassVar[str] = "phone_number_quality_update"
    event: str
    """`ONBOARDING`, `UPGRADE`, `DOWNGRADE`, `THROUGHPUT_UPGRADE`, …"""
    display_phone_number: str
    limit: str
    """`current_limit` or `max_daily_conversations_per_business`, such as `TIER_1K`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Echoes(Change):
    """Messages that the business itself sent from its phone app (`smb_message_echoes`)."""

    field_name: ClassVar[str] = "smb_message_echoes"
    phone_number_id: str | None
    messages: tuple[Message, ...]
    recipients: tuple[str | None, ...]
    """`to` of each message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls(Change):
    """Calls in and out."""

    field_name: ClassVar[str] = "calls"
    phone_number_id: str | None
    calls: tuple[Raw, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups(Change):
    """Any of the `group_…` fields."""

    field_name: ClassVar[str] = "group_"
    phone_number_id: str | None
    groups: tuple[Raw, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownChange(Change):
    """A field of the future, or one that Munshi does not use."""


def parse_change(raw: Raw) -> Change:
    """Reads one whole `change` of another field than `messages`. Never raises."""
    name = text(raw.get("field"))
    value = obj(raw.get("value"))
    reader = _groups if name.startswith(Groups.field_name) else _READERS.get(name)
    return reader(name, value, raw) if reader and value else UnknownChange(name=name, raw=raw)


def _number_of(value: Raw) -> str | None:
    return word(obj(value.get("metadata")).get("phone_number_id"))


def _template_status(name: str, value: Raw, raw: Raw) -> Change:
    return TemplateStatus(
        name=name,
        event=text(value.get("event")),
        template_id=word(value.get("message_template_id")),
        template_name=text(value.get("message_template_name")),
        language=text(value.get("message_template_language")),
        reason=text(value.get("reason")),
        raw=raw,
    )


def _account_update(name: str, value: Raw, raw: Raw) -> Change:
    return AccountUpdate(
        name=name,
        event=text(value.get("event")),
        ban_state=text(obj(value.get("ban_info")).get("waba_ban_state")),
        restrictions=tuple(objects(value.get("restriction_info"))),
        raw=raw,
    )


def _number_quality(name: str, value: Raw, raw: Raw) -> Change:
    limit = text(value.get("current_limit")) or text(value.get("max_daily_conversations_per_business"))
    return NumberQuality(
        name=name,
        event=text(value.get("event")),
        display_phone_number=text(value.get("display_phone_number")),
        limit=limit,
        raw=raw,
    )


def _echoes(name: str, value: Raw, raw: Raw) -> Change:
    echoed = objects(value.get("message_echoes"))
    return Echoes(
        name=name,
        phone_number_id=_number_of(value),
        messages=tuple(parse_message(message) for message in echoed),
        recipients=tuple(word(message.get("to")) for message in echoed),
        raw=raw,
    )


def _calls(name: str, value: Raw, raw: Raw) -> Change:
    calls = tuple(objects(value.get("calls")))
    return Calls(name=name, phone_number_id=_number_of(value), calls=calls, raw=raw)


def _groups(name: str, value: Raw, raw: Raw) -> Change:
    groups = tuple(objects(value.get("groups")))
    return Groups(name=name, phone_number_id=_number_of(value), groups=groups, raw=raw)


_READERS: dict[str, Callable[[str, Raw, Raw], Change]] = {
    TemplateStatus.field_name: _template_status,
    AccountUpdate.field_name: _account_update,
    NumberQuality.field_name: _number_quality,
    Echoes.field_name: _echoes,
    Calls.field_name: _calls,
}
