"""A customer writes: the webhook's element for every type of message, its row and its delivery."""

import time
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from munshi_emulator.directory import digits
from munshi_emulator.errors import GraphError
from munshi_emulator.journal import Message
from munshi_emulator.models import Person, PhoneNumber
from munshi_emulator.store import Statement
from munshi_emulator.webhooks import Update, contact, encode, new_wamid, sender
from munshi_emulator.world import World

Type = Literal[
    "text", "image", "audio", "video", "document", "sticker", "location", "contacts", "interactive", "button",
    "reaction", "order", "system", "unsupported", "edit", "revoke",
]  # fmt: skip


class CustomerMessage(BaseModel):
    """What a customer does on the phone.

    `content` is the member of the webhook's message that is named after the type (for `contacts` a list);
    `text` is a short form for a text. `extra` is merged into the message last (unknown members, `referral`,
    `errors`).
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    phone_number_id: str
    person: str
    """Person id, or a phone number in any writing; an unknown number becomes a person."""
    name: str | None = None
    """Profile name for a person that is made by this message."""
    type: Type = "text"
    text: str | None = None
    content: dict[str, Any] | list[Any] | None = None
    reply_to: str | None = None
    """wamid of the quoted message."""
    forwarded: bool = False
    referral: dict[str, Any] | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    wamid: str | None = None
    timestamp: int | None = None
    idempotency_key: str | None = None
    """A second call with the same key does nothing and answers with the first one's message."""


class UnknownNumberError(LookupError):
    """No such phone number is registered."""


@dataclass
class Injected:
    """A customer's message ready to be written. `known` is set when the idempotency key was used before."""

    wamid: str
    seq: int
    statements: list[Statement]
    updates: list[Update]
    known: bool = False


def inject(world: World, order: CustomerMessage) -> Injected:
    """Turn an order into rows. Raises `UnknownNumberError`, ValueError."""
    number = world.directory.numbers.get(order.phone_number_id)
    if number is None:
        raise UnknownNumberError(order.phone_number_id)
    known = _known(world, order)
    if known is not None:
        return known
    person, statements = person_of(world, order.person, order.name)
    now = world.clock.now()
    wamid = order.wamid or new_wamid()
    item = build(order, person, number, wamid, order.timestamp or int(now))
    message = Message(
        wamid=wamid,
        number=number.phone_number_id,
        person=person.person_id,
        direction="in",
        type=order.type,
        body=encode(item),
        status="sent",
        at=now,
        key=order.idempotency_key,
    )
    statements.append(world.journal.insert(message))
    if order.type != "system":
        world.conversations.pair(number.phone_number_id, person.person_id).note_inbound(
            now, referral=order.referral is not None
        )
    world.conversations.throughput(number).take(now, force=True)
    world.metrics.inbound.inc()
    statements += _marks(world, order)
    update = Update(
        id=world.journal.next_update(),
        number=number.phone_number_id,
        kind="message",
        field="messages",
        item=message.body,
        contact=None if order.type == "system" else encode(contact(person, number)),
        wamid=wamid,
        status=None,
        due=time.time(),
        born=now,
    )
    statements.append(world.journal.insert_update(update))
    return Injected(wamid, message.seq, statements, [update])


def _known(world: World, order: CustomerMessage) -> Injected | None:
    """The earlier message of the same idempotency key or id."""
    if order.idempotency_key is None and order.wamid is None:
        return None
    if world.store.unwritten:
        world.store.flush()
    rows = world.store.rows(
        "SELECT wamid, seq FROM messages WHERE key = ? OR wamid = ?", (order.idempotency_key, order.wamid)
    )
    return Injected(rows[0]["wamid"], rows[0]["seq"], [], [], known=True) if rows else None


def person_of(world: World, reference: str, name: str | None) -> tuple[Person, list[Statement]]:
    """The person meant, made if a new phone number is given. Raises ValueError."""
    check_person(world, reference)
    person = world.directory.find(reference)
    if person is not None:
        return person, []
    phone = digits(reference)
    person = Person(person_id=f"p{phone}", phone=phone, name=name or f"+{phone}")
    return person, [world.directory.put_person(person)]


def check_person(world: World, reference: str) -> None:
    """Raise ValueError unless the reference is a person, or a phone number that nobody has."""
    if world.directory.find(reference) is not None:
        return
    phone = digits(reference)
    if not 5 <= len(phone) <= 20:
        msg = f"nobody is called {reference}, and it is no phone number"
        raise ValueError(msg)
    if f"p{phone}" in world.directory.persons:
        msg = f"the person p{phone} has another number now"
        raise ValueError(msg)


def build(
    order: CustomerMessage, person: Person, number: PhoneNumber, wamid: str, timestamp: int
) -> dict[str, Any]:
    """The element of `messages`."""
    item: dict[str, Any] = {
        **sender(person, number),
        "id": wamid,
        "timestamp": str(timestamp),
        "type": order.type,
    }
    if order.reply_to is not None:
        display = digits(number.display_phone_number)
        item["context"] = {"from": display, "id": order.reply_to}
    elif order.forwarded:
        item["context"] = {"forwarded": True}
    if order.referral is not None:
        item["referral"] = order.referral
    content: Any = order.content
    if order.type == "text" and order.text is not None:
        content = {"body": order.text}
    if order.type == "unsupported":
        item["errors"] = [GraphError(131051, "Message type is not currently supported").webhook()]
    if content is not None:
        item[order.type] = content
    item.update(order.extra)
    return item


def _marks(world: World, order: CustomerMessage) -> list[Statement]:
    """What the message changes on an earlier one: reaction, edit, revocation, a pressed button."""
    content = order.content if isinstance(order.content, dict) else {}
    journal = world.journal
    if order.type == "reaction" and "message_id" in content:
        return [journal.mark(content["message_id"], "in", content.get("emoji") or "")]
    if order.type == "edit" and "original_message_id" in content:
        return [journal.mark(content["original_message_id"], "edited", content.get("message"))]
    if order.type == "revoke" and "original_message_id" in content:
        return [journal.mark(content["original_message_id"], "revoked", True)]
    if order.type == "interactive" and order.reply_to is not None:
        chosen = content.get(content.get("type", ""), {})
        return [journal.mark(order.reply_to, "pressed", chosen.get("id", ""))]
    if order.type == "button" and order.reply_to is not None:
        return [journal.mark(order.reply_to, "pressed", content.get("payload", ""))]
    return []
