"""A business sends: who is meant, may it, and the row, ladder and answer that follow.

Everything here is done between two awaits; the caller waits for the commit before it answers.
"""

from dataclasses import dataclass
from typing import Any

from munshi_emulator import templates
from munshi_emulator.directory import BSUID, digits
from munshi_emulator.errors import GraphError
from munshi_emulator.journal import Message
from munshi_emulator.ladder import Send, ladder
from munshi_emulator.limits import pair_next
from munshi_emulator.models import Person, PhoneNumber
from munshi_emulator.store import Statement
from munshi_emulator.webhooks import Update, new_wamid
from munshi_emulator.world import World


@dataclass
class Accepted:
    """A send that was taken: its answer, what must be written before it, and what is scheduled after."""

    answer: dict[str, Any]
    statements: list[Statement]
    updates: list[Update]


def accept(world: World, send: Send) -> Accepted:
    """Take a validated message. Raises `GraphError` if Meta refuses it."""
    number = send.number
    if not world.conversations.throughput(number).take(send.now):
        raise GraphError(130429, "There were too many messages sent from this phone number in a short time")
    to = send.body.get("to")
    if isinstance(to, str) and BSUID.match(to):
        return _swallowed(world, send, to)
    person, who, made = _addressee(world, send)
    refusal = _refusal(world, send, person)
    if refusal is not None and refusal.code != 131026 and world.knobs.refuse_in == "answer":
        raise refusal
    if refusal is not None and send.fail is None:
        send = Send(number, send.body, send.raw, send.now, send.template, refusal)
    pair = world.conversations.pair(number.phone_number_id, who)
    if refusal is None and person is not None and send.now >= pair.window_until():
        made += _initiate(world, send, person)
    if number.pair_limit:
        due = pair_next(pair.theoretical, send.now)
        if due is None:
            raise GraphError(131056, "Too many messages from this number to this recipient in a short time")
        pair.theoretical = due
    pair.note_outbound(send.now)
    message = _message(send, who, "accepted")
    updates = ladder(world.journal, world.knobs, send, message.wamid, person, pair)
    statements = [*made, world.journal.insert(message)]
    statements += [world.journal.insert_update(update) for update in updates]
    if send.template is not None:
        text = send.template.fill(templates.values_of(send.body["template"]))
        statements.append(world.journal.mark(message.wamid, "text", text))
    if send.type == "reaction":
        reaction = send.body["reaction"]
        statements.append(world.journal.mark(reaction["message_id"], "out", reaction.get("emoji") or ""))
    return Accepted(_answer(send, person, message.wamid), statements, updates)


def _addressee(world: World, send: Send) -> tuple[Person | None, str, list[Statement]]:
    """The person, what to file the message under, the row of a person made just now. `to` wins if both are
    given; a phone number that nobody has yet gets a person."""
    to, recipient = send.body.get("to"), str(send.body.get("recipient"))
    if not to:
        person = world.directory.by_bsuid(send.number.portfolio, recipient)
        return person, person.person_id if person is not None else recipient, []
    phone = digits(to)
    person = world.directory.by_phone(phone)
    if person is not None:
        return person, person.person_id, []
    person = Person(person_id=f"p{phone}", phone=phone, name=f"+{phone}")
    if person.person_id in world.directory.persons:  # the number was given up by somebody
        return None, phone, []
    return person, person.person_id, [world.directory.put_person(person)]


def _refusal(world: World, send: Send, person: Person | None) -> GraphError | None:
    """Why Meta would not carry this: nobody there, opted out of marketing, or the window is closed."""
    if person is None or not person.on_whatsapp:
        return GraphError(131026, "Message undeliverable")
    if send.template is not None:
        stopped = (send.number.waba_id, person.person_id) in world.directory.stopped
        if send.template.category == "MARKETING" and stopped:
            return GraphError(131050, "User has stopped marketing messages from this business")
        return None
    pair = world.conversations.pair(send.number.phone_number_id, person.person_id)
    if send.now >= pair.window_until():
        return GraphError(
            131047, "More than 24 hours have passed since the customer last wrote to this number"
        )
    return None


def _initiate(world: World, send: Send, person: Person) -> list[Statement]:
    """Counts somebody whom the business writes to first. Raises `GraphError` beyond the portfolio's limit."""
    number = send.number
    counted = world.conversations.initiated(number.portfolio).take(
        person.person_id, send.now, number.messaging_limit
    )
    if counted is None:
        raise GraphError(
            number.messaging_limit_code, "The messaging limit of this business portfolio is reached"
        )
    if not counted:
        return []
    return [
        (
            "INSERT INTO initiated VALUES (?, ?, ?)"
            " ON CONFLICT (portfolio, person) DO UPDATE SET at = excluded.at",
            (number.portfolio, person.person_id, send.now),
        )
    ]


def _message(send: Send, who: str, status: str) -> Message:
    return Message(
        wamid=new_wamid(),
        number=send.number.phone_number_id,
        person=who,
        direction="out",
        type=send.type,
        body=send.raw,
        status=status,
        at=send.now,
        callback=send.callback,
    )


def _swallowed(world: World, send: Send, bsuid: str) -> Accepted:
    """A BSUID in `to`: answered by 200 and never heard of again."""
    person = world.directory.by_bsuid(send.number.portfolio, bsuid)
    message = _message(send, person.person_id if person is not None else bsuid, "dropped")
    return Accepted(_answer(send, None, message.wamid), [world.journal.insert(message)], [])


def _answer(send: Send, person: Person | None, wamid: str) -> dict[str, Any]:
    """The body of the 200."""
    to = send.body.get("to")
    contact: dict[str, Any] = {"input": to or send.body.get("recipient")}
    if to:
        contact["wa_id"] = to if BSUID.match(to) else digits(to)
    elif person is not None:
        contact["user_id"] = person.bsuid(send.number.portfolio)
    message = {"id": wamid}
    if send.type == "template":
        message["message_status"] = "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def mark_read(world: World, number: PhoneNumber, body: dict[str, Any]) -> list[Statement]:
    """Mark a customer's message and all before it as read; show the dots if asked. Raises `GraphError`."""
    message = world.journal.find(str(body.get("message_id")))
    here = message is not None and message["phone_number_id"] == number.phone_number_id
    if message is None or not here or message["direction"] != "in":
        raise GraphError(131009, "message_id is not a message that this phone number received")
    earlier = world.store.rows(
        "SELECT wamid FROM messages WHERE number = ? AND person = ? AND direction = 'in' AND seq <= ?"
        " AND status IN ('accepted', 'sent', 'delivered') ORDER BY seq LIMIT 1000",
        (number.phone_number_id, message["person_id"], message["seq"]),
    )
    if body.get("typing_indicator"):
        place = {"phone_number_id": number.phone_number_id, "person_id": message["person_id"]}
        world.signal({"event": "typing", **place, "seconds": 25, "after": world.journal.last_seq})
    return [world.journal.advance(row["wamid"], "read") for row in earlier]
