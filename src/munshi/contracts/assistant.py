"""The port of an assistant: what a turn is given and what it gives back. It computes and writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from munshi.contracts.ids import MessageID, TenantKey
from munshi.contracts.media import Document, DocumentFields, Refusal, Stored, Transcript
from munshi.contracts.tenant import WhatsAppTenantSpec
from munshi.contracts.understanding import Category, Intent, Language


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SaidKind(StrEnum):
    """What a person did."""

    TEXT = "text"
    BUTTON = "button"
    EDIT = "edit"
    REVOKE = "revoke"
    DOCUMENT = "document"
    """A picture or PDF that was read: `Said.document`."""
    UNREADABLE = "unreadable"
    """A file that was refused (`Said.refused` says why), a video, a location, …: nothing to read."""


class Source(StrEnum):
    """How an entry came in."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    EMAIL = "email"


HEARD_SURELY = 0.6
"""A voice note heard with less confidence is said back before anything is made of it."""


class Said(_Frozen):
    """One message of a turn, already typed and sorted."""

    message_id: MessageID
    kind: SaidKind
    at: datetime
    """Meta's time; the zone is UTC."""
    text: str = ""
    """Body of a text or an edit, title of a button, caption of media."""
    button_id: str | None = None
    quoted: MessageID | None = None
    """The message that this one quotes: the person's own, or one of ours."""
    original: MessageID | None = None
    """For an edit or a revoke: the message that it changes."""
    source: Source = Source.TEXT
    media_type: str | None = None
    """Meta's type where it is no text: `image`, `audio`, `location`, …"""
    document: Document | None = None
    transcript: Transcript | None = None
    """Of a voice note; its text is `text`, its kind `TEXT`."""
    refused: Refusal | None = None
    """Why a file was not read."""
    file: Stored | None = None
    """What is kept of it."""

    @property
    def unsure(self) -> bool:
        """Whether it is a voice note that may say something else."""
        return self.transcript is not None and self.transcript.confidence < HEARD_SURELY


class Usage(_Frozen):
    """What the tenant and the person have used, for quotas."""

    transactions_this_month: int = 0
    messages_today: int = 0


class Entry(_Frozen):
    """One live row of the books."""

    ref: str
    """Our own unique name of the entry: `<message id>#<n>`."""
    customer_name: str | None
    customer_id: int | None
    description: str
    amount: Decimal
    currency: str
    category: Category
    occurred_on: date
    created_at: datetime


class Origin(_Frozen):
    """How an entry came in: what it needs, beside what it says, to come back whole once it was taken back."""

    source: Source
    metadata: dict[str, Any] = {}
    of: MessageID | None = None
    """The message whose file it came of."""


class Customer(_Frozen):
    """A name of the books, with the other spellings that were confirmed for it."""

    id: int
    name: str
    aliases: tuple[str, ...] = ()


class CategoryTotal(_Frozen):
    """Sum and number of entries of one category in a period."""

    category: Category
    currency: str
    total: Decimal
    count: int


class Balance(_Frozen):
    """What a customer owes (positive) or has paid ahead (negative): credit less payment."""

    customer: Customer
    currency: str
    amount: Decimal
    last_entry_on: date | None


class Remembered(_Frozen):
    """A fact that is like what was asked for."""

    key: str
    value: dict[str, Any]
    likeness: float
    """Cosine of the two vectors; 1 is the same."""


class LedgerReader(Protocol):
    """Reads one person's books, in the tenant's session. Each call is one statement."""

    async def customers(self) -> Sequence[Customer]:
        """All names of the books, the most recently used first, at most 5,000."""
        ...

    async def balance(self, customer_id: int) -> Sequence[Balance]:
        """One balance a currency; empty where nothing was ever given or paid."""
        ...

    async def debtors(self, limit: int) -> Sequence[Balance]:
        """Who owes most, largest first."""
        ...

    async def totals(self, first: date, last: date) -> Sequence[CategoryTotal]:
        """Sums of a period of days, both ends included, in the tenant's own days."""
        ...

    async def last_entry(self) -> Entry | None:
        """The youngest live entry."""
        ...

    async def origin(self, ref: str) -> Origin | None:
        """How a live entry came in; `None` where there is no such entry."""
        ...

    async def same_receipt(self, sha256: str | None, fields: DocumentFields) -> Sequence[Entry]:
        """Live entries that came of the same file, or of a document with the same number, vendor and
        total."""
        ...

    async def entries_of_message(self, message_id: MessageID) -> Sequence[Entry]:
        """Live entries that came of this message, or that this reply of ours answered; oldest first."""
        ...

    async def like(self, prefix: str, about: str, limit: int) -> Sequence[Remembered]:
        """Facts of the person whose keys begin with `prefix`, most like `about` first; empty where nothing
        here can compare."""
        ...


@dataclass(frozen=True, slots=True)
class TurnInput:
    """All that an assistant may know when it computes a turn."""

    tenant: TenantKey
    spec: WhatsAppTenantSpec
    now: datetime
    """UTC."""
    person_name: str | None
    language: Language | None
    """The conversation's last language; `None` on the first turn."""
    said: tuple[Said, ...]
    """In order; more than one after a debounce."""
    state: dict[str, Any]
    """What the assistant gave back last time; `{}` on the first turn."""
    usage: Usage
    reader: LedgerReader
    voice_replies: bool = False
    """Whether the person asked for spoken replies."""


class Button(_Frozen):
    """A reply button: title at most 20 characters, id at most 256."""

    id: str = Field(max_length=256)
    title: str = Field(max_length=20)


class Row(_Frozen):
    """A row of a list message."""

    id: str = Field(max_length=200)
    title: str = Field(max_length=24)
    description: str = Field(default="", max_length=72)


class Reply(_Frozen):
    """One outgoing message: text (at most 4,096 characters), or with buttons or a list (at most 1,024)."""

    text: str = Field(min_length=1, max_length=4096)
    buttons: tuple[Button, ...] = Field(default=(), max_length=3)
    list_label: str | None = Field(default=None, max_length=20)
    rows: tuple[Row, ...] = Field(default=(), max_length=10)
    quotes: MessageID | None = None
    """The message that it answers."""
    spoken: str | None = None
    """The language (BCP 47) in which the text is to be spoken: it goes out as a voice note, and as text where
    it cannot be spoken. Never with buttons or a list."""
    written: str | None = Field(default=None, min_length=1, max_length=4096)
    """With `spoken`: the text that goes where it cannot be spoken, if that is another one."""


class AddEntry(_Frozen):
    """A new row of the books. `customer` is matched by `customer_id`, else made new under `customer_name`."""

    op: Literal["add_entry"] = "add_entry"
    ref: str
    customer_id: int | None = None
    customer_name: str | None = None
    description: str
    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)
    currency: str
    category: Category
    source: Source
    occurred_on: date
    metadata: dict[str, Any] = {}
    of: MessageID | None = None
    """The message that began it, where another one completed it: quoting that finds the entry too."""


class AmendEntry(_Frozen):
    """Changes a live entry in place; what it was goes to the history. Absent fields stay."""

    op: Literal["amend_entry"] = "amend_entry"
    ref: str
    customer_id: int | None = None
    customer_name: str | None = None
    amount: Decimal | None = Field(default=None, gt=0, max_digits=12, decimal_places=2)
    category: Category | None = None
    occurred_on: date | None = None
    reason: str


class RemoveEntry(_Frozen):
    """Takes a live entry back, with its corrections; the history keeps it."""

    op: Literal["remove_entry"] = "remove_entry"
    ref: str
    reason: str


class LearnAlias(_Frozen):
    """A confirmed other spelling of a customer's name."""

    op: Literal["learn_alias"] = "learn_alias"
    customer_id: int
    alias: str


class Remember(_Frozen):
    """A fact kept for the person across turns and days."""

    op: Literal["remember"] = "remember"
    key: str
    value: dict[str, Any]
    about: str | None = Field(default=None, max_length=300)
    """By what it is found again through likeness; `None`: by its key alone."""
    embedding: tuple[float, ...] | None = None
    """Of `about`; put in by the orchestrator, where there is an engine."""
    model: str | None = None
    """The engine's model."""
    of: MessageID | None = None
    """The message whose file it came of: it is forgotten with that file."""


VOICE_REPLIES = "voice_replies"
"""Key of `Remember`: `{"on": true}` where the person asked for spoken replies."""


class KeepAttachment(_Frozen):
    """What came with a message is kept, with what was read of it."""

    op: Literal["keep_attachment"] = "keep_attachment"
    message_id: MessageID
    kind: str
    """Meta's type: `image`, `audio`, …"""
    object_key: str
    sha256: str
    mime_type: str
    size: int
    text: str | None = None
    reading: dict[str, Any] | None = None
    """The `Document` or `Transcript` as JSON, less its text."""


class EraseFile(_Frozen):
    """The file of one of the person's messages is deleted, and what was read of it; the books stay."""

    op: Literal["erase_file"] = "erase_file"
    message_id: MessageID


class SampleOutcome(StrEnum):
    """What the person did with what was understood of a sentence."""

    KEPT = "kept"
    CORRECTED = "corrected"
    UNDONE = "undone"
    DROPPED = "dropped"
    """The question that it raised was answered by no."""


class KeepSample(_Frozen):
    """A sentence kept as training material, where the tenant consents: nobody's name, number or day in it."""

    op: Literal["keep_sample"] = "keep_sample"
    text: str = Field(min_length=1, max_length=500)
    """Masked: plain words and placeholders."""
    intent: Intent
    confidence: float = Field(ge=0, le=1)
    category: Category | None = None
    """As corrected by the person."""
    language: Language
    outcome: SampleOutcome
    changed: tuple[str, ...] = ()
    """Fields of the entry that the person corrected."""


Effect = Annotated[
    AddEntry | AmendEntry | RemoveEntry | LearnAlias | Remember | KeepSample | KeepAttachment | EraseFile,
    Field(discriminator="op"),
]


class TurnOutcome(_Frozen):
    """What a turn came to. Written by one transaction, or not at all."""

    state: dict[str, Any]
    effects: tuple[Effect, ...] = ()
    replies: tuple[Reply, ...] = ()
    language: Language | None = None


class Assistant(Protocol):
    """One of the five. Same input, same outcome; raises only for a defect (the turn is then tried again)."""

    async def turn(self, given: TurnInput) -> TurnOutcome:
        """Computes one turn."""
        ...
