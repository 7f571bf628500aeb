"""Builders of webhooks, pure: what Meta would post, as text, and its signature.

Items are kept as JSON text with `\\uXXXX` escapes, as Meta serialises them, so that a receiver that hashes
anything but the raw bytes is found out.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from munshi_emulator.models import Person, PhoneNumber

_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
encode = _ENCODER.encode


@dataclass(slots=True)
class Update:
    """One element of a webhook with the state of its delivery. Times are real seconds since the epoch."""

    id: int
    number: str
    kind: str
    """`message`, `status`, `field` or `raw`."""
    field: str
    item: str
    """JSON text: of the message, of the status, or of the whole `value`; of the whole body if `raw`."""
    contact: str | None
    wamid: str | None
    status: str | None
    due: float | None
    born: float
    """By the movable clock."""
    attempts: int = 0
    first_at: float | None = None
    applied: bool = False
    ghost: bool = False
    """A duplicate made by a fault: delivered once, not kept."""


def new_wamid() -> str:
    """An id of the form that Meta uses."""
    return "wamid.HBg" + base64.b64encode(secrets.token_bytes(27)).decode()


def contact(person: Person, number: PhoneNumber) -> dict[str, Any]:
    """An element of `contacts`."""
    profile: dict[str, Any] = {"name": person.name}
    if person.username:
        profile["username"] = person.username
    entry: dict[str, Any] = {"profile": profile}
    if not person.phone_hidden:
        entry["wa_id"] = person.phone
    if not person.bsuid_hidden:
        entry["user_id"] = person.bsuid(number.portfolio)
    return entry


def sender(person: Person, number: PhoneNumber) -> dict[str, Any]:
    """The members of a message that say who it is from."""
    who: dict[str, Any] = {}
    if not person.phone_hidden:
        who["from"] = person.phone
    if not person.bsuid_hidden:
        who["from_user_id"] = person.bsuid(number.portfolio)
    return who


def receiver(person: Person, number: PhoneNumber) -> dict[str, Any]:
    """The members of a status that say whose message it is about."""
    who: dict[str, Any] = {}
    if not person.phone_hidden:
        who["recipient_id"] = person.phone
    if not person.bsuid_hidden:
        who["recipient_user_id"] = person.bsuid(number.portfolio)
    return who


def metadata(number: PhoneNumber) -> dict[str, str]:
    """`metadata` of a change."""
    display = "".join(letter for letter in number.display_phone_number if letter.isdigit())
    return {"display_phone_number": display, "phone_number_id": number.phone_number_id}


def body(updates: Iterable[Update], numbers: dict[str, PhoneNumber]) -> bytes:
    """One POST: an entry for each business account, a change for each number's messages and statuses."""
    entries: dict[str, list[str]] = {}
    groups: dict[tuple[str, str], list[Update]] = {}
    for update in updates:
        if update.kind == "raw":
            return update.item.encode()
        if update.kind == "field":
            change = f'{{"field":{encode(update.field)},"value":{update.item}}}'
            entries.setdefault(numbers[update.number].waba_id, []).append(change)
        else:
            groups.setdefault((update.number, update.kind), []).append(update)
    for (number_id, kind), members in groups.items():
        number = numbers[number_id]
        entries.setdefault(number.waba_id, []).append(_change(number, kind, members))
    parts = [f'{{"id":{encode(waba)},"changes":[{",".join(changes)}]}}' for waba, changes in entries.items()]
    return f'{{"object":"whatsapp_business_account","entry":[{",".join(parts)}]}}'.encode()


def _change(number: PhoneNumber, kind: str, updates: list[Update]) -> str:
    contacts = ",".join(dict.fromkeys(update.contact for update in updates if update.contact))
    known = f'"contacts":[{contacts}],' if contacts else ""
    items = ",".join(update.item for update in updates)
    plural = "messages" if kind == "message" else "statuses"
    return (
        f'{{"value":{{"messaging_product":"whatsapp","metadata":{encode(metadata(number))},'
        f'{known}"{plural}":[{items}]}},"field":"messages"}}'
    )


def signature(raw: bytes, secret: str) -> str:
    """Value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
