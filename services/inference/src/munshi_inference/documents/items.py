"""Lines of goods on a document, as far as legible. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
_MARK = re.compile(r"₹|rs\.?|inr|रु\.?|रू\.?|रुपये|lkr|රු\.?", re.IGNORECASE)
_BETWEEN_FIGURES = re.compile(rf"^\s*(?:/-|/=|\.-)?\s*[x×*@|:=-]?\s*(?:{_MARK.pattern})?\s*$", re.IGNORECASE)
"""Signs between a quantity, a price and an amount."""
_TRAILING_MARK = re.compile(rf"(?:^|\s)(?:{_MARK.pattern}|[x×*@])$", re.IGNORECASE)
_EDGE = " .:-₹|"
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


def _item(line: Line, above: Line | None) -> LineItem | None:
    """A row as an item: a description, and an amount at its end. `above`: the row before it, where it may be
    the description of figures that stand below it."""
    found = [a for a in line.amounts if a.end - a.start <= 10]
    if not found or line.label is not None or _ends_in_words(line):
        return None
    columns = _columns(found)
    description = _described(line.text[: _figures_from(line.text, found, columns)])
    if len(key(description)) < 2 and columns.factors and above is not None:
        description = _described(above.text)
    if len(key(description)) < 2:
        description = _described(re.sub(r"[\d.,₹/%x*@-]+", " ", line.text))
    if len(key(description)) < 2:
        return None
    return LineItem(
        description=description, quantity=columns.quantity, unit_price=columns.price, amount=columns.amount
    )


def _described(text: str) -> str:
    """Words of a row as goods are called: without the row's number, columns of bare figures and the
    currency's mark. A size that stands among the words stays: `Aata 10 kg`."""
    first, *others = _LEADING_NUMBER.sub("", text.strip()).split("  ")
    kept = [first, *(piece for piece in others if key(piece))]
    return _TRAILING_MARK.sub("", " ".join(" ".join(kept).split()).strip(_EDGE)).strip(_EDGE)


def _figures_from(text: str, found: Sequence[Amount], columns: "_Columns") -> int:
    """Where the columns of figures begin: at the quantity or the price, whichever is first; where the sums do
    not tell them, at the first of the figures at the end that have no words between them."""
    if columns.factors:
        return columns.factors[0].start
    first = found[-1]
    for other in reversed(found[:-1]):
        if not _BETWEEN_FIGURES.match(text[other.end : first.start]):
            break
        first = other
    return first.start


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the figures of a row are."""

    amount: Decimal
    quantity: Decimal | None = None
    price: Decimal | None = None
    factors: tuple[Amount, ...] = ()
    """Quantity and price, as they stand."""


def _columns(found: Sequence[Amount]) -> _Columns:
    """Amount, quantity and price of an item, where quantity times price is the amount: the two nearest to it,
    as figures further left belong to the name."""
    last = found[-1]
    pairs = [(left, right) for i, left in enumerate(found[:-1]) for right in found[i + 1 : -1]]
    for value in last.readings:
        for left, right in reversed(pairs):
            if abs(left.value * right.value - value) <= _TOLERANCE:
                small, large = sorted((left, right), key=lambda a: a.paise)
                return _Columns(value, small.value, large.value, (left, right))
    return _Columns(last.value)


def _ends_in_words(line: Line) -> bool:
    """Whether words follow the last figure, which is no money then: `Toor Dal 1 kg`."""
    last = line.last
    return last is None or (
        not (last.paise or last.marked) and len(key(_MARK.sub("", line.text[last.end :]))) >= 2
    )


def _names_goods(line: Line) -> bool:
    """Whether a row may be what the figures below it are of: words, and no money."""
    return line.label is None and _ends_in_words(line) and len(key(line.text)) >= 2


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
        above = lines[line.index - 1] if line.index > max(first, 2) else None
        if (item := _item(line, above if above and _names_goods(above) else None)) is not None:
            found.append(item)
    return found
