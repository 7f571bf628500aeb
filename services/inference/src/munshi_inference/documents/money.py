"""The rows of a document that speak of money: what each announces and what it amounts to. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from munshi_inference.documents import amounts, labels
from munshi_inference.documents.amounts import Amount
from munshi_inference.documents.labels import Label
from munshi_inference.documents.letters import key
from munshi_inference.documents.pieces import Row

MONEY = frozenset(
    {
        Label.GRAND_TOTAL,
        Label.TOTAL,
        Label.SUBTOTAL,
        Label.TAX_TOTAL,
        Label.TAX,
        Label.DISCOUNT,
        Label.ROUND_OFF,
        Label.PAID,
        Label.CHANGE,
        Label.COUNT,
        Label.SAVED,
        Label.CHARGE,
    }
)
_NAMES = frozenset({Label.NUMBER, Label.DATE, Label.OTHER_DATE, Label.BUYER})
"""What stands beside these is money only if it has paise."""

_NUMBERED = re.compile(
    r"gstin|gst\s*no|gst\s*in\b|tin\b|phone|mobile|mob\b|tel\b|ph\b|fssai|pin\b|pan\b|hsn|a/c|ifsc|@|www|"
    r"dl\s*no|lic\b",
    re.IGNORECASE,
)
"""Rows whose figures are no money."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row as far as money goes."""

    index: int
    row: Row
    text: str
    """Cleaned."""
    label: Label | None
    share: float
    """Of its letters, how many are the label's."""
    amounts: tuple[Amount, ...]
    borrowed: bool = False
    """Its amount stands in the next row."""

    @property
    def last(self) -> Amount | None:
        """The rightmost amount: the one that a label speaks of."""
        return self.amounts[-1] if self.amounts else None


def _believable(text: str, found: Sequence[Amount]) -> tuple[Amount, ...]:
    """Amounts without telephone numbers and the like."""
    return (
        tuple(a for a in found if a.value < Decimal(100_000_000) and (a.paise or a.end - a.start < 9))
        if not (_NUMBERED.search(text))
        else tuple(a for a in found if a.paise and a.marked)
    )


def _line(index: int, row: Row) -> Line:
    text = amounts.clean(row.text)
    match = labels.find(text, MONEY)
    less = match is not None and match.label is Label.DISCOUNT
    found = _believable(text, amounts.find(text.replace("-", " ") if less else text))
    named = labels.find(text, _NAMES)
    if named is not None and (match is None or len(named.phrase) > len(match.phrase)):
        found = tuple(amount for amount in found if amount.paise)
    return Line(
        index,
        row,
        text,
        match.label if match else None,
        match.share if match else 0.0,
        found,
    )


def read(rows: Sequence[Row]) -> list[Line]:
    """All rows; a label without an amount borrows that of a row without letters right below or above it."""
    found = [_line(index, row) for index, row in enumerate(rows)]
    for index, line in enumerate(found):
        if line.label is None or line.amounts or line.share < 0.5:
            continue
        for other in (index + 1, index - 1):
            if 0 <= other < len(found) and _lends(line, found[other]):
                lender = found[other]
                found[index] = Line(
                    index, line.row, line.text, line.label, line.share, lender.amounts, borrowed=True
                )
                break
    return found


def _lends(line: Line, other: Line) -> bool:
    near = abs(other.row.middle - line.row.middle) < 2.2 * max(line.row.height, other.row.height)
    return near and other.label is None and bool(other.amounts) and len(key(other.text)) <= 3


def values(lines: Sequence[Line], *wanted: Label) -> list[Decimal]:
    """The last amount of every line with one of these labels, in order."""
    return [line.last.value for line in lines if line.label in wanted and line.last is not None]
