"""What kind of document a text is, and which category of the books it belongs to. Pure."""

import re
from dataclasses import dataclass
from typing import Protocol

from munshi.contracts.media import FileKind
from munshi.contracts.understanding import Category


@dataclass(frozen=True, slots=True)
class Classes:
    """A judgement; confidences are probabilities."""

    kind: FileKind
    kind_confidence: float
    category: Category | None
    category_confidence: float


class Judge(Protocol):
    """Judges the whole text of a document."""

    def judge(self, text: str) -> Classes:
        """Its kind and category."""
        ...


class RuleJudge:
    """A few words and whether there is money at all: what is left where no model can be loaded."""

    def judge(self, text: str) -> Classes:
        """Its kind and category."""
        lowered = text.casefold()
        money = bool(re.search(r"total|amount|कुल|योग|₹|\brs\b", lowered)) and bool(re.search(r"\d", lowered))
        if not money:
            return Classes(FileKind.OTHER, 0.7, None, 0.0)
        invoice = bool(re.search(r"tax\s*invoice|bill to|buyer|hsn|due date|proforma", lowered))
        return Classes(FileKind.INVOICE if invoice else FileKind.RECEIPT, 0.8, Category.EXPENSE, 0.3)
