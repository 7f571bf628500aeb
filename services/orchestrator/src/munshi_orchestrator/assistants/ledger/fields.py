"""A field of a document named in a correction: "total 640 hai", "date kal ki hai", "dukaan Gupta Traders".

By closed lists of words, since the model reads such pieces as fragments.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from munshi.contracts.understanding import Category, Entities
from munshi_orchestrator.assistants.ledger import words
from munshi_orchestrator.assistants.ledger.days import single_day_of
from munshi_orchestrator.assistants.ledger.lexicon import listed

TOTAL = listed("""
    total amount rakam raqam कुल टोटल रकम रक़म राशि
    """)
DAY = listed("""
    date day tarikh taarikh tareekh tarik din dated तारीख तारीख़ दिनांक दिन डेट
    """)
VENDOR = listed("""
    vendor shop store dukaan dukan dukaandar supplier seller party firm company दुकान दुकानदार पार्टी
    विक्रेता फर्म फ़र्म कंपनी
    """)
_AROUND = listed("""
    nahi nahin nhi no the is was it ka ki ke ko naam name hai h tha thi hain called from sahi right
    नहीं नही का की के को नाम है था थी हैं सही
    """)
_MOST_WORDS = 9


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a message corrects of a document."""

    total: Decimal | None = None
    day: date | None = None
    vendor: str | None = None
    category: Category | None = None

    @property
    def anything(self) -> bool:
        """Whether it corrects anything."""
        return any(part is not None for part in (self.total, self.day, self.vendor, self.category))


def corrected(text: str, entities: Entities, today: date) -> Corrected:
    """What a message says of a document's fields. Nothing where it is a question, or long, or names none."""
    said = words.plain(text).split()
    if not said or len(said) > _MOST_WORDS or words.asks_something(text):
        return Corrected()
    named = frozenset(said)
    if not VENDOR.isdisjoint(named) and entities.amount is None:
        return Corrected(vendor=_vendor(text) or entities.customer_name)
    if not DAY.isdisjoint(named):
        back = words.days_back(text)
        told = single_day_of(entities.date)
        return Corrected(day=told or (today - timedelta(days=back) if back is not None else None))
    if not TOTAL.isdisjoint(named) and entities.amount is not None:
        return Corrected(total=entities.amount)
    if entities.amount is None and len(said) <= 3:
        return Corrected(category=words.category_of(text))
    return Corrected()


def named(text: str, entities: Entities) -> bool:
    """Whether a message names a total, a day or a shop by its word, and says what it is."""
    told = corrected(text, entities, date.min + timedelta(days=7))
    return told.total is not None or told.day is not None or told.vendor is not None


def _vendor(text: str) -> str | None:
    """What is left of the message without the words around a name, in its own spelling."""
    bare = re.sub(r"[^\w\u0900-\u097f &.'-]+", " ", unicodedata.normalize("NFC", text)).split()
    left = [word for word in bare if word.casefold() not in VENDOR | _AROUND]
    name = " ".join(left)
    return name if any(char.isalpha() for char in name) else None
