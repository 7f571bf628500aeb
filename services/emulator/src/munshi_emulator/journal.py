"""Messages and updates as rows: numbering, inserting, moving forwards, reading back.

`seq` numbers messages in the order in which they were accepted; `rev` is raised at each change of a message,
so that a reader who asks for everything after the last `rev` it saw misses nothing.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import orjson

from munshi_emulator.store import Statement, Store
from munshi_emulator.webhooks import Update

BEFORE: dict[str, tuple[str, ...]] = {
    "sent": ("accepted",),
    "delivered": ("accepted", "sent"),
    "read": ("accepted", "sent", "delivered"),
    "played": ("accepted", "sent", "delivered", "read"),
    "failed": ("accepted", "sent"),
}
"""From which status a message may move to which: never backwards."""


@dataclass(slots=True)
class Message:
    """A message as kept. `body` is the request of a business's message, the webhook's element of a
    customer's."""

    wamid: str
    number: str
    person: str
    direction: str
    """`out` from the business, `in` from the customer."""
    type: str
    body: str
    status: str
    at: float
    """By the movable clock."""
    key: str | None = None
    """Idempotency key given by the caller of the control API."""
    callback: str | None = None
    error: str | None = None
    seq: int = 0


class Journal:
    """Numbers what is written. One per process."""

    def __init__(self, store: Store) -> None:
        """Go on after the highest numbers in the store."""
        self.store = store
        self._seq = int(store.value("SELECT coalesce(max(seq), 0) FROM messages"))
        kept = store.value("SELECT cast(value AS INTEGER) FROM meta WHERE key = 'rev'") or 0
        self._rev = max(int(kept), int(store.value("SELECT coalesce(max(rev), 0) FROM messages")))
        self._update = int(store.value("SELECT coalesce(max(id), 0) FROM updates"))

    def rev(self) -> int:
        """The next revision."""
        self._rev += 1
        return self._rev

    @property
    def last_rev(self) -> int:
        """The highest revision given out."""
        return self._rev

    @property
    def last_seq(self) -> int:
        """The number of the newest message, written or about to be."""
        return self._seq

    def next_update(self) -> int:
        """The next id of an update."""
        self._update += 1
        return self._update

    def insert(self, message: Message) -> Statement:
        """Number a message and return its row."""
        self._seq += 1
        message.seq = self._seq
        return (
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
            (
                message.seq,
                self.rev(),
                message.wamid,
                message.number,
                message.person,
                message.direction,
                message.type,
                message.body,
                message.status,
                message.error,
                message.at,
                time.time(),
                message.key,
                message.callback,
            ),
        )

    def advance(self, wamid: str, status: str, error: str | None = None) -> Statement:
        """Move a message forwards; a late or repeated status changes nothing."""
        before = BEFORE[status]
        marks = ", ".join("?" * len(before))
        return (
            "UPDATE messages SET status = ?, error = coalesce(?, error), rev = ?"  # noqa: S608 - question marks
            f" WHERE wamid = ? AND status IN ({marks})",
            (status, error, self.rev(), wamid, *before),
        )

    def mark(self, wamid: str, name: str, value: Any) -> Statement:
        """Note something on a message for the page: a reaction, an edit, a pressed button."""
        return (
            "UPDATE messages SET rev = ?, marks = json_set(coalesce(marks, '{}'), '$.' || ?, json(?))"
            " WHERE wamid = ?",
            (self.rev(), name, json.dumps(value), wamid),
        )

    def insert_update(self, update: Update) -> Statement:
        """Row of an update that has to be delivered."""
        return (
            "INSERT INTO updates (id, number, wamid, kind, field, status, item, contact, due, born, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
            (
                update.id,
                update.number,
                update.wamid,
                update.kind,
                update.field,
                update.status,
                update.item,
                update.contact,
                update.due,
                update.born,
            ),
        )

    def pending_updates(self) -> list[Update]:
        """What was not delivered when the process ended."""
        names = "id, number, kind, field, item, contact, wamid, status, due, born, attempts, first_at"
        sql = f"SELECT {names} FROM updates WHERE state = 'pending' ORDER BY id"  # noqa: S608 - fixed names
        rows = self.store.rows(sql)
        return [Update(*row) for row in rows]

    def find(self, wamid: str) -> dict[str, Any] | None:
        """One message, or None."""
        rows = self.store.rows("SELECT * FROM messages WHERE wamid = ?", (wamid,))
        return shown(rows[0]) if rows else None


def shown(row: Any) -> dict[str, Any]:
    """A message as the control API shows it: `body`, `error` and `marks` as objects."""
    view = dict(row)
    for name in ("body", "error", "marks"):
        view[name] = orjson.loads(view[name]) if view[name] else None
    view["person_id"] = view.pop("person")
    view["phone_number_id"] = view.pop("number")
    return view
