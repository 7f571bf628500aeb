"""Lines of goods on a document, as far as legible. Pure."""

import re
from collections.abc import Sequence
from decimal import Decimal

from munshi.contracts.media import LineItem
from munshi_inference.documents import labels
from munshi_inference.documents.amounts import Amount
from munshi_inference.documents.labels import Label
from munshi_inference.documents.letters import key
from munshi_inference.documents.money import Line

_NOT_GOODS = frozenset({Label.NUMBER, Label.DATE, Label.OTHER_DATE, Label.BUYER, Label.SELLER, Label.TITLE})
_NAMES = frozenset({Label.HEADER})
_LEADING_NUMBER = re.compile(r"^\d{1,3}[.)\s]\s*")
_TOLERANCE = Decimal("0.06")


def _header(lines: Sequence[Line]) -> int | None:
    """Index of the row with the names of the columns."""
    for line in lines:
        heads = sum(
            1
            for piece in line.text.split("  ")
            if (m := labels.find(piece, frozenset({Label.HEADER}))) and m.share > 0.6
        )
        match = labels.find(line.text, frozenset({Label.HEADER}))
        if (heads >= 2 or (match and match.share > 0.5)) and not any(a.paise for a in line.amounts):
            return line.index
    return None


def _item(line: Line) -> LineItem | None:
    """A row as an item: a description, and an amount at its end."""
    amounts = [a for a in line.amounts if a.end - a.start <= 10]
    if not amounts or line.label is not None:
        return None
    first = amounts[0]
    total, quantity, price = _columns(amounts)
    description = _LEADING_NUMBER.sub("", line.text[: first.start]).strip(" .:-₹|")
    if len(key(description)) < 2:
        words = re.sub(r"[\d.,₹/%x*@-]+", " ", line.text)
        description = " ".join(words.split())
    if len(key(description)) < 2:
        return None
    return LineItem(description=description, quantity=quantity, unit_price=price, amount=total)


def _columns(amounts: Sequence[Amount]) -> tuple[Decimal, Decimal | None, Decimal | None]:
    """Amount, quantity and price of an item, where quantity times price is the amount."""
    last = amounts[-1]
    for value in last.readings:
        for i, left in enumerate(amounts[:-1]):
            for right in amounts[i + 1 : -1]:
                if abs(left.value * right.value - value) <= _TOLERANCE:
                    small, large = sorted((left, right), key=lambda a: a.paise)
                    return value, small.value, large.value
    return last.value, None, None


def read(lines: Sequence[Line]) -> list[LineItem]:
    """Rows between the columns' names and the first sum; without such names, all that end in money."""
    header = _header(lines)
    sums = {Label.SUBTOTAL, Label.GRAND_TOTAL, Label.TOTAL, Label.TAX, Label.TAX_TOTAL, Label.COUNT}
    first = 0 if header is None else header + 1
    end = next(
        (line.index for line in lines if line.index >= max(first, 2) and line.label in sums and line.amounts),
        len(lines),
    )
    found = []
    for line in lines[first:end]:
        if header is None and not (line.last and (line.last.paise or line.last.marked)):
            continue
        match = labels.find(line.text, _NOT_GOODS)
        if match is not None and match.share > 0.5:
            continue
        if (item := _item(line)) is not None:
            found.append(item)
    return found
