"""A business sends: who is meant, may it, and the row, ladder and answer that follow.

Everything here is done between two awaits; the caller waits for the commit before it answers.
"""

import random
import time
from dataclasses import dataclass
from typing import Any

import orjson

from .directory import BSUID, digits
from .errors import GraphError
from .journal import Message
from .limits import pair_next
from .models import Person, PhoneNumber
from .store import Statement
from .templates import Template
from .webhooks import Update, encode, new_wamid, receiver
from .world import World


@dataclass
class Accepted:
    """A send that was taken: its answer, what has to be written first, and what has to be scheduled after."""

    answer: dict[str, Any]
    statements: list[Statement]
    updates: list[Update]


def accept(
    world: World,
    number: PhoneNumber,
    body: dict[str, Any],
    raw: str,
    *,
    template: Template | None,
    fail: GraphError | None,
) -> Accepted:
    """Take a validated message. `fail` makes it end in a `failed` status. Raises `GraphError` if Meta
    refuses."""
    now = world.clock.now()
    if not world.conversations.throughput(number).take(now):
        raise GraphError(
            130429, "Message failed to send because there were too many messages sent from this phone number"
        )
    to, recipient = body.get("to"), body.get("recipient")
    if isinstance(to, str) and BSUID.match(to):
        return _swallowed(world, number, body, raw, now)
    person, phone, made = _addressee(world, number, to, recipient)
    refusal = None if person is None else _refusal(world, number, person, template, now)
    if person is None or not person.on_whatsapp:
        refusal = GraphError(131026, "Message undeliverable")
    if refusal is not None and world.knobs.refuse_in == "answer" and refusal.code != 131026:
        raise refusal
    fail = fail or refusal
    who = person.person_id if person is not None else (phone or str(recipient))
    pair = world.conversations.pair(number.phone_number_id, who)
    if number.pair_limit:
        due = pair_next(pair.theoretical, now)
        if due is None:
            raise GraphError(
                131056, "Too many messages sent from this phone number to this recipient in a short time"
            )
        pair.theoretical = due
    pair.note_outbound(now)
    accepted = _record(world, number, person, who, body, raw, now)
    accepted.statements[:0] = made
    accepted.updates = _ladder(world, number, person, body, accepted, template, fail)
    accepted.statements += [world.journal.insert_update(update) for update in accepted.updates]
    _react(world, body, accepted)
    return accepted


def _addressee(
    world: World, number: PhoneNumber, to: str | None, recipient: str | None
) -> tuple[Person | None, str | None, list[Statement]]:
    """Who is meant: `to` wins if both are given. A phone number that nobody has yet gets a person."""
    if to:
        phone = digits(to)
        person = world.directory.by_phone(phone)
        if person is not None:
            return person, phone, []
        person = Person(person_id=f"p{phone}", phone=phone, name=f"+{phone}")
        if person.person_id in world.directory.persons:
            return None, phone, []
        return person, phone, [world.directory.put_person(person)]
    return world.directory.by_bsuid(number.portfolio, recipient or ""), None, []


def _refusal(
    world: World, number: PhoneNumber, person: Person, template: Template | None, now: float
) -> GraphError | None:
    """Why Meta would not carry this: opted out of marketing, or the window is closed."""
    if template is not None:
        stopped = (number.waba_id, person.person_id) in world.directory.stopped
        if template.category == "MARKETING" and stopped:
            return GraphError(131050, "User has stopped marketing messages from this business")
        return None
    pair = world.conversations.pair(number.phone_number_id, person.person_id)
    if now >= pair.window_until():
        details = (
            "Message failed to send because more than 24 hours have passed since the customer last replied"
        )
        return GraphError(131047, details)
    return None


def _swallowed(world: World, number: PhoneNumber, body: dict[str, Any], raw: str, now: float) -> Accepted:
    """A BSUID in `to`: answered by 200 and never heard of again."""
    who = world.directory.by_bsuid(number.portfolio, body["to"])
    message = Message(
        wamid=new_wamid(),
        number=number.phone_number_id,
        person=who.person_id if who else body["to"],
        direction="out",
        type=str(body.get("type", "text")),
        body=raw,
        status="dropped",
        at=now,
        callback=body.get("biz_opaque_callback_data"),
    )
    answer = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": body["to"], "wa_id": body["to"]}],
        "messages": [{"id": message.wamid}],
    }
    return Accepted(answer, [world.journal.insert(message)], [])


def _record(
    world: World,
    number: PhoneNumber,
    person: Person | None,
    who: str,
    body: dict[str, Any],
    raw: str,
    now: float,
) -> Accepted:
    """The row of the message and the answer."""
    message = Message(
        wamid=new_wamid(),
        number=number.phone_number_id,
        person=who,
        direction="out",
        type=str(body.get("type", "text")),
        body=raw,
        status="accepted",
        at=now,
        callback=body.get("biz_opaque_callback_data"),
    )
    contact: dict[str, Any] = {"input": body.get("to") or body.get("recipient")}
    if body.get("to"):
        contact["wa_id"] = digits(body["to"])
    elif person is not None:
        contact["user_id"] = person.bsuid(number.portfolio)
    answer = {
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [{"id": message.wamid}],
    }
    if body.get("type") == "template":
        answer["messages"] = [{"id": message.wamid, "message_status": "accepted"}]
    return Accepted(answer, [world.journal.insert(message)], [])


def _react(world: World, body: dict[str, Any], accepted: Accepted) -> None:
    """A reaction also shows on the message it is for."""
    if body.get("type") == "reaction":
        reaction = body["reaction"]
        accepted.statements.append(
            world.journal.mark(reaction["message_id"], "out", reaction.get("emoji") or "")
        )


def _pricing(
    world: World, number: PhoneNumber, who: str, template: Template | None, now: float
) -> dict[str, Any]:
    """What Meta would charge: per message, free in answer to a customer."""
    pair = world.conversations.pair(number.phone_number_id, who)
    inside = now < pair.window_until()
    category = "service" if template is None else template.category.lower()
    kind = "regular"
    if now < pair.free_until:
        kind = "free_entry_point"
    elif category == "service" or (category == "utility" and inside):
        kind = "free_customer_service"
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}


def _ladder(
    world: World,
    number: PhoneNumber,
    person: Person | None,
    body: dict[str, Any],
    accepted: Accepted,
    template: Template | None,
    fail: GraphError | None,
) -> list[Update]:
    """The statuses that will follow, each with its time."""
    knobs = world.knobs
    if not knobs.statuses:
        return []
    wamid = accepted.answer["messages"][0]["id"]
    now, real = world.clock.now(), time.time()
    who: dict[str, Any] = receiver(person, number) if person else {}
    if not who:
        who = (
            {"recipient_id": body.get("to")}
            if body.get("to")
            else {"recipient_user_id": body.get("recipient")}
        )
    extra: dict[str, Any] = {}
    if body.get("biz_opaque_callback_data") is not None:
        extra["biz_opaque_callback_data"] = body["biz_opaque_callback_data"]

    def update(status: str, delay_ms: float | None, more: dict[str, Any]) -> Update:
        shift = (delay_ms or 0) / 1000
        item = {"id": wamid, "status": status, "timestamp": str(int(now + shift)), **who, **extra, **more}
        due = None if delay_ms is None else real + shift
        return Update(
            world.journal.next_update(), number.phone_number_id, "status", "messages", encode(item), None, wamid,
            status, due, now,
        )  # fmt: skip

    if fail is not None:
        return [update("failed", knobs.sent_ms, {"errors": [fail.webhook()]})]
    price = {"pricing": _pricing(world, number, person.person_id if person else "", template, now)}
    steps = [update("sent", knobs.sent_ms, price)]
    reads = person.reads if person else "auto"
    skip = reads != "never" and knobs.skip_delivered > 0 and random.random() < knobs.skip_delivered
    if not skip:
        steps.append(update("delivered", knobs.delivered_ms, price))
    if reads == "auto":
        steps.append(update("read", knobs.read_ms, price if skip else {}))
        if body.get("type") == "audio" and body["audio"].get("voice"):
            steps.append(update("played", knobs.read_ms + 200, {}))
    elif reads == "page":
        steps.append(update("read", None, price if skip else {}))
    return steps


def mark_read(world: World, number: PhoneNumber, body: dict[str, Any]) -> list[Statement]:
    """Mark a customer's message and all before it as read; show the typing dots if asked. Raises
    `GraphError`."""
    message = world.journal.find(str(body.get("message_id")))
    if (
        message is None
        or message["direction"] != "in"
        or message["phone_number_id"] != number.phone_number_id
    ):
        raise GraphError(131009, "message_id is not a message that this phone number received")
    earlier = world.store.rows(
        "SELECT wamid FROM messages WHERE number = ? AND person = ? AND direction = 'in' AND seq <= ?"
        " AND status IN ('accepted', 'sent', 'delivered') ORDER BY seq LIMIT 1000",
        (number.phone_number_id, message["person_id"], message["seq"]),
    )
    if body.get("typing_indicator"):
        place = {"phone_number_id": number.phone_number_id, "person_id": message["person_id"]}
        world.signal({"event": "typing", **place, "seconds": 25})
    return [world.journal.advance(row["wamid"], "read") for row in earlier]


def raw_json(body: dict[str, Any]) -> str:
    """Compact JSON text of a body."""
    return orjson.dumps(body).decode()
