"""The port of understanding: what a text means for the ledger. Engines are entry points `munshi.engines`."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class Intent(StrEnum):
    """What the person wants."""

    ADD_TRANSACTION = "add_transaction"
    ADD_RECEIPT = "add_receipt"
    QUERY_TOTAL_DAY = "query_total_day"
    QUERY_TOTAL_PERIOD = "query_total_period"
    QUERY_CUSTOMER_BALANCE = "query_customer_balance"
    CLARIFY = "clarify"
    GREET = "greet"
    HELP = "help"
    CORRECT = "correct"
    UNDO = "undo"
    OTHER = "other"


class Category(StrEnum):
    """Where an entry belongs in the books."""

    SALE = "sale"
    BUY = "buy"
    CREDIT = "credit"
    PAYMENT = "payment"
    EXPENSE = "expense"


class Script(StrEnum):
    """The writing of a text; with the language it decides how the reply is written."""

    LATIN = "Latn"
    DEVANAGARI = "Deva"


class Language(BaseModel):
    """Language (BCP 47 primary tag) and script (ISO 15924) of one text: `hi`+`Latn` is Hinglish."""

    model_config = ConfigDict(frozen=True)

    tag: str = "en"
    script: Script = Script.LATIN
    confidence: float = Field(default=0.0, ge=0, le=1)


class Entities(BaseModel):
    """What was named. Absent ones are `None` and left out of JSON."""

    model_config = ConfigDict(frozen=True)

    amount: Decimal | None = None
    currency: str | None = None
    """ISO 4217, when the text says one (₹, Rs, rupaye: INR)."""
    customer_name: str | None = None
    """As written in the message, in its script, without honorifics (bhai, ji)."""
    category: Category | None = None
    date: str | None = None
    """An ISO day, or for a period an ISO interval of two inclusive days: `2026-11-01/2026-11-15`."""
    invoice_no: str | None = None


class Understanding(BaseModel):
    """One reading of one text. `confidence` is the probability that intent and entities are right."""

    model_config = ConfigDict(frozen=True)

    text: str
    intent: Intent
    confidence: float = Field(ge=0, le=1)
    entities: Entities = Entities()
    language: Language = Language()
    masked: str | None = Field(default=None, exclude=True)
    """The text without names, numbers, days and whatever else not everybody says, each replaced by a
    placeholder such as `{name}`; only where it was asked for. `None` too where that is not certain."""
    further: tuple["Understanding", ...] = ()
    """Further entries of the same message ("Ramesh 500 udhaar, Suresh 200 jama"), in order; empty for one."""


class Request(BaseModel):
    """What an engine is given: a text and what it needs to resolve "kal" and ₹."""

    model_config = ConfigDict(frozen=True)

    text: str
    today: date
    """The tenant's day, in its own time zone."""
    currency: str = "INR"
    assistant: str = "Ledger"
    mask: bool = False
    """Whether `Understanding.masked` is wanted."""


class Understander(Protocol):
    """An engine. Never raises for a text: what cannot be read comes back as `other` with confidence 0."""

    async def understand(self, request: Request) -> Understanding:
        """Reads one text."""
        ...
