"""From one change of a webhook to its events. Pure, and nothing is lost: every element becomes one event.

What is not of the documented shape is a `Stray`: it goes to the dead letters with the frame that it came in.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from munshi.contracts.cloud_api.tolerant import integer, obj, objects, word
from munshi.contracts.cloud_api.webhook import (
    FIELD_MESSAGES,
    FIELD_PREFERENCES,
    ChangeAt,
    frame,
)
from munshi.contracts.events import Kind

_SPLIT_FIELDS = {FIELD_MESSAGES, FIELD_PREFERENCES}
_LISTS = {
    "messages": Kind.MESSAGE,
    "statuses": Kind.STATUS,
    "errors": Kind.ERROR,
    "user_preferences": Kind.PREFERENCE,
}
_AROUND = {"messaging_product", "metadata", "contacts"}
"""What stands around the lists and goes into the events of them."""
_KNOWN = _AROUND | _LISTS.keys()
_USABLE_ID = re.compile(r"[!-~]{1,256}")


class Event(NamedTuple):
    """One event of one business number (or of the account, where `phone_number_id` is `None`)."""

    kind: Kind
    id: str
    phone_number_id: str | None
    bsuid: str | None
    phone: str | None
    name: str | None
    username: str | None
    seconds: int | None
    """Meta's time, since 1970."""
    raw: dict[str, Any]


class Stray(NamedTuple):
    """What cannot be an event, as a webhook of its own."""

    reason: str
    webhook: dict[str, Any]


def split(change: ChangeAt) -> Iterator[Event | Stray]:
    """Every event of one change, in order."""
    if change.field not in _SPLIT_FIELDS:
        yield _whole(change, change.raw)
        return
    value = change.value
    found = False
    people = _People(value.get("contacts"))
    for key, kind in _LISTS.items():
        elements = value.get(key)
        if elements is None:
            continue
        if not isinstance(elements, list):
            found = True
            yield _stray(change, key, elements)
            continue
        for element in elements:
            found = True
            if isinstance(element, dict):
                yield _event(change, kind, element, people)
            else:
                yield _stray(change, key, [element])
    unknown = value.keys() - _KNOWN
    if unknown or not found:
        # Something of the future, or a change without any list: kept, less the lists that are kept above.
        rest = {key: part for key, part in value.items() if key not in _LISTS}
        yield _whole(change, change.raw | {"value": rest})


class _People:
    """The contacts beside a list, found by BSUID first, then by number."""

    __slots__ = ("_all", "_by_id")

    def __init__(self, contacts: Any) -> None:
        self._all = objects(contacts)
        self._by_id: dict[str, dict[str, Any]] = {}
        for contact in self._all:
            for key in (contact.get("wa_id"), contact.get("user_id")):
                if isinstance(key, str) and key:
                    self._by_id.setdefault(key, contact)

    def find(self, bsuid: str | None, phone: str | None) -> dict[str, Any]:
        """The contact of a person; where the element names nobody, the only one there is."""
        if bsuid is None and phone is None:
            return self._all[0] if len(self._all) == 1 else {}
        found = self._by_id.get(bsuid) if bsuid else None
        return found or (self._by_id.get(phone) if phone else None) or {}


_WHO = {
    Kind.MESSAGE: ("from_user_id", "from"),
    Kind.STATUS: ("recipient_user_id", "recipient_id"),
    Kind.PREFERENCE: ("user_id", "wa_id"),
}


def _event(change: ChangeAt, kind: Kind, raw: dict[str, Any], people: _People) -> Event:
    bsuid = phone = name = username = None
    if kind in _WHO:
        bsuid_key, phone_key = _WHO[kind]
        bsuid, phone = word(raw.get(bsuid_key)), word(raw.get(phone_key))
        contact = people.find(bsuid, phone)
        if contact:
            profile = obj(contact.get("profile"))
            bsuid = bsuid or word(contact.get("user_id"))
            phone = phone or word(contact.get("wa_id"))
            name, username = word(profile.get("name")), word(profile.get("username"))
    return Event(
        kind=kind,
        id=_id(change, kind, raw),
        phone_number_id=change.phone_number_id,
        bsuid=bsuid,
        phone=phone,
        name=name,
        username=username,
        seconds=integer(raw.get("timestamp")),
        raw=raw,
    )


def _id(change: ChangeAt, kind: Kind, raw: dict[str, Any]) -> str:
    own = raw.get("id")
    if isinstance(own, str) and _USABLE_ID.fullmatch(own):
        if kind is Kind.MESSAGE:
            return own
        status, time = raw.get("status"), raw.get("timestamp")
        # A group's message has a status of each member, all with one id and time.
        if kind is Kind.STATUS and "recipient_participant_id" not in raw:
            key = f"{own}:{status}:{time}"
            if isinstance(status, str) and isinstance(time, str) and _USABLE_ID.fullmatch(key):
                return key
    return _hashed(change, kind, raw)


def _hashed(change: ChangeAt, kind: Kind, raw: dict[str, Any]) -> str:
    """Content decides: the same thing sent again has the same id."""
    whole = [change.account, change.time, change.phone_number_id, raw]
    return f"{kind.value}:{hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]}"


def _whole(change: ChangeAt, raw: dict[str, Any]) -> Event:
    return Event(
        kind=Kind.FIELD,
        id=_hashed(change, Kind.FIELD, raw),
        phone_number_id=change.phone_number_id,
        bsuid=None,
        phone=None,
        name=None,
        username=None,
        seconds=change.time,
        raw=raw,
    )


def _stray(change: ChangeAt, key: str, elements: Any) -> Stray:
    around = {name: part for name, part in change.value.items() if name in _AROUND}
    odd = change.raw | {"value": around | {key: elements}}
    return Stray("malformed_element", frame(change.account, odd))
