"""The frame of a webhook: entries and changes, walked without losing what is not understood."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from munshi.contracts.cloud_api.tolerant import Raw, integer, word

OBJECT = "whatsapp_business_account"
"""`object` of every webhook that concerns WhatsApp."""

FIELD_MESSAGES = "messages"
FIELD_PREFERENCES = "user_preferences"


class ChangeAt(NamedTuple):
    """One change of one entry."""

    account: str | None
    """`entry.id`: the WhatsApp business account."""
    time: int | None
    """`entry.time`: seconds since 1970; given with account-wide changes."""
    field: str
    value: Raw
    raw: Raw
    """The whole change, with `field` and `value`."""

    @property
    def phone_number_id(self) -> str | None:
        """The business's number that the change is about; account-wide changes name none."""
        metadata = self.value.get("metadata")
        return word(metadata.get("phone_number_id")) if isinstance(metadata, dict) else None


class Oddity(NamedTuple):
    """A part of the frame that is not of the documented shape."""

    raw: Any


def frame(account: str | None, change: Any) -> Raw:
    """A webhook of one change alone, as Meta would have sent it: what a dead letter holds, to be replayed."""
    return {"object": OBJECT, "entry": [{"id": account, "changes": [change]}]}


def is_webhook(payload: Any) -> bool:
    """Whether this is a webhook about WhatsApp at all."""
    return isinstance(payload, dict) and payload.get("object") == OBJECT and "entry" in payload


def walk(payload: Raw) -> Iterator[ChangeAt | Oddity]:
    """Every change of every entry, in order; what is not of the documented shape comes as an `Oddity`."""
    entries = payload.get("entry")
    if not isinstance(entries, list):
        yield Oddity(entries)
        return
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        if not isinstance(changes, list):
            yield Oddity(entry)
            continue
        account, time = word(entry.get("id")), integer(entry.get("time"))
        for change in changes:
            yield _change(account, time, change)


def _change(account: str | None, time: int | None, change: Any) -> ChangeAt | Oddity:
    if not isinstance(change, dict):
        return Oddity(change)
    field, value = change.get("field"), change.get("value")
    if not isinstance(field, str) or not isinstance(value, dict):
        return Oddity(change)
    return ChangeAt(account, time, field, value, change)
