"""Updates that are neither a customer's message nor part of a ladder: other fields, single statuses, raw
bodies."""

import time
from typing import Any

from munshi_emulator.journal import BEFORE
from munshi_emulator.models import PhoneNumber
from munshi_emulator.store import Statement
from munshi_emulator.webhooks import Update, encode, metadata, receiver
from munshi_emulator.world import World


def _update(world: World, number: PhoneNumber, kind: str, field: str, item: str) -> Update:
    return Update(
        id=world.journal.next_update(),
        number=number.phone_number_id,
        kind=kind,
        field=field,
        item=item,
        contact=None,
        wamid=None,
        status=None,
        due=time.time(),
        born=world.clock.now(),
    )


def field_update(
    world: World, number: PhoneNumber, field: str, value: dict[str, Any], *, with_metadata: bool = False
) -> Update:
    """A change of another field than `messages`."""
    if with_metadata:
        value = {"messaging_product": "whatsapp", "metadata": metadata(number), **value}
    return _update(world, number, "field", field, encode(value))


def raw_update(world: World, number: PhoneNumber, text: str) -> Update:
    """A body as it is given, signed and delivered alone."""
    return _update(world, number, "raw", "", text)


def status_update(
    world: World, message: dict[str, Any], status: str, timestamp: int | None, extra: dict[str, Any]
) -> tuple[Update, list[Statement]]:
    """One status of a sent message out of turn: late, early, repeated or invented."""
    number = world.directory.numbers[message["phone_number_id"]]
    person = world.directory.persons.get(message["person_id"])
    who = receiver(person, number) if person is not None else {"recipient_id": message["body"].get("to")}
    item = {
        "id": message["wamid"],
        "status": status,
        "timestamp": str(timestamp or world.clock.stamp()),
        **who,
    }
    if message["callback"] is not None:
        item["biz_opaque_callback_data"] = message["callback"]
    update = _update(world, number, "status", "messages", encode({**item, **extra}))
    update.wamid = message["wamid"]
    update.status = status if status in BEFORE else None
    return update, [world.journal.insert_update(update)]
