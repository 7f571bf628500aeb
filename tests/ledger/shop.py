"""A conversation with the Ledger through its public port: says things and applies what comes of them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from munshi.contracts.assistant import (
    VOICE_REPLIES,
    Assistant,
    Button,
    Reply,
    Row,
    Said,
    SaidKind,
    TurnInput,
    TurnOutcome,
    Usage,
)
from munshi.contracts.ids import MessageID, TenantKey
from munshi.contracts.tenant import WhatsAppTenantSpec
from munshi.contracts.understanding import Language

from .memory import MemoryBooks

START = datetime(2026, 11, 18, 6, 30, tzinfo=UTC)
"""A Wednesday, noon in India."""


def spec(**changes: Any) -> WhatsAppTenantSpec:
    """A shop's settings."""
    base: dict[str, Any] = {
        "displayName": "Sharma Kirana Store",
        "assistant": "Ledger",
        "languages": ["hi", "en"],
        "timeZone": "Asia/Kolkata",
        "whatsapp": {
            "businessAccountID": "102290129340398",
            "phoneNumbers": [{"phoneNumberID": "106540352242922"}],
            "secretRef": {"name": "sharma"},
        },
        "ledger": {"currency": "INR", "confirmAbove": "50000"},
    }
    return WhatsAppTenantSpec.model_validate(base | changes)


@dataclass
class Shop:
    """One person's talk with one shop's assistant."""

    assistant: Assistant
    spec: WhatsAppTenantSpec = field(default_factory=spec)
    books: MemoryBooks = field(default_factory=MemoryBooks)
    now: datetime = START
    state: dict[str, Any] = field(default_factory=dict)
    language: Language | None = None
    person_name: str | None = None
    booked_this_month: int = 0
    replies: tuple[Reply, ...] = ()
    outcome: TurnOutcome | None = None
    last_id: MessageID | None = None
    shown: list[Button | Row] = field(default_factory=list)
    """Every button ever shown: a person can scroll up and tap an old one."""
    _count: int = 0

    async def say(self, text: str, **more: Any) -> str:
        """Sends a text; the answer's whole text."""
        return await self.turn(self.message(text=text, **more))

    async def tap(self, choice: Button | Row | int = 0) -> str:
        """Taps a button or row, or the nth of the last reply that had any."""
        if isinstance(choice, int):
            choice = self.choices()[choice]
        return await self.turn(self.message(kind=SaidKind.BUTTON, text=choice.title, button_id=choice.id))

    async def edit(self, original: MessageID, text: str) -> str:
        """Edits an earlier message."""
        return await self.turn(self.message(kind=SaidKind.EDIT, text=text, original=original))

    async def revoke(self, original: MessageID) -> str:
        """Deletes an earlier message for everyone."""
        return await self.turn(self.message(kind=SaidKind.REVOKE, original=original))

    def message(self, **more: Any) -> Said:
        """The next message, with an id and a time."""
        self._count += 1
        self.now += timedelta(seconds=20)
        return Said(
            **({"message_id": f"wamid.{self._count:03}", "kind": SaidKind.TEXT, "at": self.now} | more)
        )

    async def turn(self, *said: Said) -> str:
        """One turn, written as the database would write it."""
        given = TurnInput(
            tenant=TenantKey("shops_sharma"),
            spec=self.spec,
            now=self.now,
            person_name=self.person_name,
            language=self.language,
            said=said,
            state=json.loads(json.dumps(self.state)),
            usage=Usage(transactions_this_month=self.booked_this_month),
            reader=self.books,
            voice_replies=self.books.remembered.get(VOICE_REPLIES, {}).get("on", False),
        )
        outcome = await self.assistant.turn(given)
        ids = tuple(one.message_id for one in said)
        for one in said:
            if one.document is not None:
                digest = one.file.sha256 if one.file else None
                self.books.files[one.message_id] = (digest, one.document.fields)
        self.books.apply(outcome.effects, self.now, ids)
        self.booked_this_month += sum(effect.op == "add_entry" for effect in outcome.effects)
        self.state, self.language = outcome.state, outcome.language
        self.outcome, self.replies = outcome, outcome.replies
        for reply in outcome.replies:
            if reply.quotes is not None:
                self.books.replies[f"reply to {reply.quotes}"] = ids
        self.shown += self.choices()
        self.last_id = said[-1].message_id if said else self.last_id
        return "\n".join(reply.text for reply in outcome.replies)

    def live(self) -> list[tuple[str | None, str, str]]:
        """The books: name, amount, category of each live entry, in order."""
        return [
            (row.customer_name, f"{row.amount:f}", row.category.value) for row in self.books.rows.values()
        ]

    def titles(self) -> list[str]:
        """Titles of the buttons and rows of the last turn."""
        return [choice.title for choice in self.choices()]

    def choices(self) -> list[Button | Row]:
        """Buttons and rows of the last turn."""
        found: list[Button | Row] = []
        for reply in self.replies:
            found += [*reply.buttons, *reply.rows]
        return found
