"""The statuses that follow an accepted message, with their prices and times."""

import random
import time
from dataclasses import dataclass
from typing import Any

from munshi_emulator.conversations import Pair
from munshi_emulator.directory import digits
from munshi_emulator.errors import GraphError
from munshi_emulator.journal import Journal
from munshi_emulator.models import Knobs, Person, PhoneNumber
from munshi_emulator.templates import Template
from munshi_emulator.webhooks import Update, contact, encode, receiver


@dataclass(frozen=True)
class Send:
    """A validated send. `fail` makes it end in a `failed` status."""

    number: PhoneNumber
    body: dict[str, Any]
    raw: str
    """The request as text."""
    now: float
    """By the movable clock."""
    template: Template | None = None
    fail: GraphError | None = None

    @property
    def type(self) -> str:
        """Message type; text where none is given."""
        return str(self.body.get("type", "text"))

    @property
    def callback(self) -> str | None:
        """What is to be echoed in the statuses."""
        value: str | None = self.body.get("biz_opaque_callback_data")
        return value


def pricing(send: Send, pair: Pair) -> dict[str, Any]:
    """What Meta would charge: per message, free in answer to a customer."""
    inside = send.now < pair.window_until()
    category = "service" if send.template is None else send.template.category.lower()
    kind = "regular"
    if send.now < pair.free_until:
        kind = "free_entry_point"
    elif category == "service" or (category == "utility" and inside):
        kind = "free_customer_service"
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}


def ladder(
    journal: Journal, knobs: Knobs, send: Send, wamid: str, who: Person | None, pair: Pair
) -> list[Update]:
    """The statuses in order, each an update with its time; a `read` that waits for the page has none."""
    if not knobs.statuses:
        return []
    base = _base(send, wamid, who)
    real = time.time()
    updates = []
    for status, delay_ms, more in _steps(knobs, send, who, {"pricing": pricing(send, pair)}):
        shift = (delay_ms or 0) / 1000
        item = {**base, "status": status, "timestamp": str(int(send.now + shift)), **more}
        updates.append(
            Update(
                id=journal.next_update(),
                number=send.number.phone_number_id,
                kind="status",
                field="messages",
                item=encode(item),
                contact=None if who is None or send.fail is not None else encode(contact(who, send.number)),
                wamid=wamid,
                status=status,
                due=None if delay_ms is None else real + shift,
                born=send.now,
            )
        )
    return updates


def _base(send: Send, wamid: str, who: Person | None) -> dict[str, Any]:
    """What all statuses of a message share."""
    base: dict[str, Any] = {"id": wamid, "status": "", "timestamp": ""}
    to = send.body.get("to")
    if who is not None and (send.fail is None or not to):
        base |= receiver(who, send.number)
    if to:  # a business that knew the number sees it also where the person hides it
        base["recipient_id"] = digits(to)
    elif who is None:
        base["recipient_user_id"] = send.body.get("recipient")
    if send.callback is not None:
        base["biz_opaque_callback_data"] = send.callback
    return base


def _steps(
    knobs: Knobs, send: Send, who: Person | None, price: dict[str, Any]
) -> list[tuple[str, int | None, dict[str, Any]]]:
    """(status, delay, further members). The price comes with `sent` and with one of delivered and read."""
    if send.fail is not None:
        return [("failed", knobs.sent_ms, {"errors": [send.fail.webhook()]})]
    reads = who.reads if who is not None else "auto"
    skip = reads != "never" and knobs.skip_delivered > 0 and random.random() < knobs.skip_delivered
    steps: list[tuple[str, int | None, dict[str, Any]]] = [("sent", knobs.sent_ms, price)]
    if not skip:
        steps.append(("delivered", knobs.delivered_ms, price))
    read_price = price if skip else {}
    if reads == "page":
        steps.append(("read", None, read_price))
    elif reads == "auto":
        steps.append(("read", knobs.read_ms, read_price))
        if send.type == "audio" and send.body["audio"].get("voice"):
            steps.append(("played", knobs.read_ms + 200, {}))
    return steps
