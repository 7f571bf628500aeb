"""The desk of one message: everything that the Ledger has at hand while it answers it."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b

from munshi.contracts.assistant import Entry, Said, TurnInput
from munshi.contracts.ids import MessageID
from munshi.contracts.tenant import Ledger
from munshi.contracts.understanding import Category, Understanding
from munshi_orchestrator.assistants.ledger import money
from munshi_orchestrator.assistants.ledger.answer import Answer
from munshi_orchestrator.assistants.ledger.books import Books
from munshi_orchestrator.assistants.ledger.days import day_of, show_day
from munshi_orchestrator.assistants.ledger.phrases import Phrase, Voice
from munshi_orchestrator.assistants.ledger.state import State

_LONGEST_TOKEN = 160
"""A row's id has 200 characters, and the button's own word needs a few."""

_DEFAULTS = Ledger()

ON_ACCOUNT = frozenset({Category.CREDIT, Category.PAYMENT})
"""Categories that make a balance, and so need a customer."""


@dataclass
class Desk:
    """One message of a turn, with what the earlier ones left."""

    given: TurnInput
    state: State
    books: Books
    said: Said
    understanding: Understanding
    voice: Voice
    answer: Answer
    origin_id: MessageID | None = None
    """The voice note of which this message's text is, where another one confirmed it."""
    spoken: bool | None = None
    """Whether replies are spoken from now on; `None`: as before."""
    counted: int = 0
    """Entries and drafts numbered so far in this message."""
    troubles: dict[str, money.Trouble] = field(default_factory=dict)
    """Why a draft's amount could not be taken, by draft."""

    @property
    def settings(self) -> Ledger:
        """The tenant's block of settings."""
        return self.given.spec.ledger or _DEFAULTS

    @property
    def origin(self) -> MessageID:
        """The message that what is said here began with."""
        return self.origin_id or self.said.message_id

    @cached_property
    def today(self) -> date:
        """The day on which the message was written, where the tenant lives."""
        return day_of(self.said.at, self.given.spec.zone)

    def next_name(self) -> str:
        """A name for an entry or a draft that no other turn gives."""
        self.counted += 1
        return f"{self.said.message_id}#{self.counted}"

    def entry_text(
        self,
        *,
        name: str | None,
        amount: Decimal | None,
        currency: str,
        category: Category | None,
        day: date | None = None,
    ) -> str:
        """`Ramesh — ₹500 udhaar (kal)`, with what is known of it."""
        figure = money.show(amount, currency) if amount is not None else ""
        word = self.voice.category(category) if category is not None else ""
        if figure and word:
            text = self.voice.say(Phrase.ENTRY_BARE, amount=figure, category=word)
            if name:
                text = self.voice.say(Phrase.ENTRY_NAMED, name=name, amount=figure, category=word)
        else:
            text = " — ".join(part for part in (name, figure or word) if part)
        if day is not None and day != self.today:
            text = self.voice.say(Phrase.ENTRY_DAY, entry=text, day=show_day(day, self.today, self.voice))
        return text or "…"

    def text_of(self, entry: Entry) -> str:
        """An entry of the books in words."""
        return self.entry_text(
            name=entry.customer_name,
            amount=entry.amount,
            currency=entry.currency,
            category=entry.category,
            day=entry.occurred_on,
        )


def token(name: str) -> str:
    """A draft's name as its id: itself, or a digest where a button's id could not hold it."""
    if len(name) <= _LONGEST_TOKEN and "|" not in name:
        return name
    return blake2b(name.encode(), digest_size=16).hexdigest()
