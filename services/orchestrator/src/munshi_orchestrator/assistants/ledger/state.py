"""What the Ledger keeps of a conversation between turns: small, versioned, and never trusted."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from munshi.contracts.assistant import Source
from munshi.contracts.ids import MessageID
from munshi.contracts.media import FileKind
from munshi.contracts.understanding import Category, Intent, Language

VERSION: Final = 1
MOST_DRAFTS = 20
MOST_KEPT = 12
"""Of settled questions and of links: enough for what a person still sees on the phone's screen."""
PATIENCE = timedelta(days=3)
"""How long a question waits for its answer; afterwards the answer would surprise more than help."""
LONGEST_TEXT = 500
LONGEST_NAME = 80


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=False)


class Person(_Kept):
    """A customer: with an id in the books, or new under a name."""

    model_config = ConfigDict(frozen=True)

    id: int | None = None
    name: str


class Op(StrEnum):
    """What a draft becomes when it is settled."""

    ADD = "add"
    AMEND = "amend"
    REMOVE = "remove"


class Asked(StrEnum):
    """The question that a draft waits for."""

    AMOUNT = "amount"
    CATEGORY = "category"
    CUSTOMER = "customer"
    SAME = "same"
    CONFIRM = "confirm"
    CHANGE = "change"


class Receipt(_Kept):
    """What was read of a draft's picture, as far as it is shown or goes with the entry."""

    kind: FileKind
    vendor: str | None = None
    gstin: str | None = None
    total: Decimal | None = None
    """As read, whatever the draft's amount is by now."""
    tax: Decimal | None = None
    sha256: str | None = None
    lines: tuple[str, ...] = ()
    more: int = 0
    """Lines that are not shown."""
    doubts: tuple[str, ...] = ()
    """Phrases."""
    shown: bool = False
    again: str | None = None
    """Ref of the entry that was made of the same receipt before."""


class Unsure(_Kept):
    """A voice note that was not heard surely, and waits for a yes."""

    model_config = ConfigDict(frozen=True)

    message_id: MessageID
    text: str


class Restored(_Kept):
    """What an entry that was taken back brings along when it comes back, beside what it says."""

    metadata: dict[str, Any] = Field(default_factory=dict)
    of: MessageID | None = None
    """The message whose file it came of."""


class Draft(_Kept):
    """An entry, a correction or an undo that still lacks something."""

    id: str
    """Unique: `<message id>#<n>`, shortened where too long. Buttons carry it."""
    revision: int = 0
    """Counts changes, so that a button under an older question cannot confirm what it did not show."""
    message_id: MessageID
    op: Op = Op.ADD
    targets: tuple[str, ...] = ()
    """For corrections and undo: refs of the entries meant."""
    text: str = ""
    amount: Decimal | None = None
    currency: str = ""
    category: Category | None = None
    name: str | None = None
    """As written; `person` is whom it was found to mean."""
    person: Person | None = None
    choices: tuple[Person, ...] = ()
    day: date | None = None
    source: Source = Source.TEXT
    invoice_no: str | None = None
    receipt: Receipt | None = None
    restored: Restored | None = None
    """Set where it was in the books before."""
    changing: bool = False
    """Of a receipt: another category is being chosen."""
    doubtful: bool = False
    sure: bool = False
    asked: Asked | None = None
    asked_at: datetime | None = None


class Query(StrEnum):
    """The last question about the books, so that "aur kal?" has something to follow."""

    TOTALS = "totals"
    BALANCE = "balance"
    DEBTORS = "debtors"


class Topic(StrEnum):
    """What the last turn was about."""

    ENTRY = "entry"
    UNDO = "undo"
    QUERY = "query"
    ELSE = "else"


class Settled(StrEnum):
    """How a question ended."""

    DONE = "done"
    DROPPED = "dropped"


class Made(_Kept):
    """Entries that another message than their own one had a part in."""

    refs: tuple[str, ...]
    began: bool
    """The message began the entry (it was completed later); else it only corrected it."""


class Heard(_Kept):
    """A masked sentence that waits for what the person does next; see `samples`."""

    message_id: MessageID
    text: str
    intent: Intent
    confidence: float
    category: Category | None = None
    language: Language


class State(_Kept):
    """All of it."""

    v: Literal[1] = 1
    drafts: list[Draft] = Field(default_factory=list)
    """The first one's question is the one that was asked."""
    settled: dict[str, Settled] = Field(default_factory=dict)
    links: dict[str, Made] = Field(default_factory=dict)
    topic: Topic = Topic.ELSE
    query: Query | None = None
    customer: str | None = None
    """Name of the customer last spoken of."""
    touched: str | None = None
    """Ref of an older entry that was just corrected: what "nahi, 700" then means."""
    undone: Draft | None = None
    """The entry just taken back: "nahi, 600 tha" brings it back corrected."""
    quota_told_at: datetime | None = None
    unsure: Unsure | None = None
    heard: list[Heard] = Field(default_factory=list)
    """Empty without the tenant's consent."""

    @classmethod
    def load(cls, raw: dict[str, Any]) -> "State":
        """The kept state; a fresh one where it is absent, of another version or damaged."""
        if not raw:
            return cls()
        try:
            return cls.model_validate(raw)
        except ValidationError:
            return cls()

    def dump(self) -> dict[str, Any]:
        """As JSON, defaults left out."""
        del self.drafts[MOST_DRAFTS:]
        for kept in (self.settled, self.links):
            while len(kept) > MOST_KEPT:
                del kept[next(iter(kept))]  # the oldest: dicts keep their order
        return {"v": VERSION, **self.model_dump(mode="json", exclude_defaults=True)}

    def settle(self, draft: Draft, how: Settled) -> None:
        """Ends a draft's question, however it was answered."""
        self.drafts = [kept for kept in self.drafts if kept.id != draft.id]
        self.settled[draft.id] = how

    def expire(self, now: datetime) -> None:
        """Forgets questions that waited too long."""
        self.drafts = [
            draft for draft in self.drafts if draft.asked_at is None or now - draft.asked_at <= PATIENCE
        ]
