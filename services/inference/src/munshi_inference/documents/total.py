"""Which of a document's amounts is its total, and how sure that is. Pure.

Every amount that may be the total is described by `FEATURES`; weights learned from drawn documents
(`munshi_inference.training.documents`) make a probability of them.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from munshi_inference.documents.amounts import Amount
from munshi_inference.documents.labels import Label
from munshi_inference.documents.money import Line, values

FEATURES = (
    "bias",
    "grand",
    "plain",
    "share",
    "borrowed",
    "unlabelled",
    "sums",
    "partly",
    "paid",
    "largest",
    "repeated",
    "place",
    "second_reading",
    "marked",
    "paise",
    "tall",
    "last_total",
    "other_label",
    "sharp",
)

WEIGHTS: tuple[float, ...] = (
    *(-4.0, 4.0, 2.0, 0.7, -0.8, -1.5, 3.0, 0.5, 1.5, 1.5),
    *(0.7, 0.5, -2.0, 0.3, 0.3, 0.5, 0.7, -3.0, 0.5),
)
"""Before any training; the model's card brings its own."""

_TOTALS = frozenset({Label.GRAND_TOTAL, Label.TOTAL})

TOWN_DIGITS = 6
TOLERANCE = Decimal("0.05")
ROUNDED = Decimal("0.99")
"""Shops round a bill to the rupee without saying so."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An amount that may be the total."""

    value: Decimal
    line: int
    """Index of its row."""
    features: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """What the other rows add up to."""

    subtotal: Decimal | None
    tax: Decimal | None
    items: Decimal | None
    expected: tuple[Decimal, ...]
    """Totals that follow from the other rows."""
    partial: tuple[Decimal, ...]
    """Sums that leave tax, discount or charges out: right only where prices hold the tax."""


def taxes(lines: Sequence[Line]) -> Decimal | None:
    """All taxes together: those named one by one, else a row of their sum."""
    single = values(lines, Label.TAX)
    together = values(lines, Label.TAX_TOTAL)
    if single and together and sum(single) != together[-1]:
        return together[-1] if together[-1] > max(single) else sum(single, Decimal(0))
    if single:
        return sum(single, Decimal(0))
    return together[-1] if together else None


def _unnamed(lines: Sequence[Line]) -> Decimal:
    """What rows without a label between the subtotal and the total amount to: a discount or a charge whose
    name could not be read."""
    subtotal = max(
        (line.index for line in lines if line.label is Label.SUBTOTAL and line.amounts), default=None
    )
    last = max((line.index for line in lines if line.label in _TOTALS and line.amounts), default=-1)
    if subtotal is None:
        return Decimal(0)
    between = (line.last for line in lines[subtotal + 1 : max(last, 0)] if line.label is None)
    return sum((amount.value for amount in between if amount is not None), Decimal(0))


def sums(lines: Sequence[Line], items: Sequence[Decimal]) -> Sums:
    """Subtotal, tax, and the totals that follow from them."""
    subtotals = values(lines, Label.SUBTOTAL)
    subtotal = subtotals[-1] if subtotals else None
    tax = taxes(lines)
    listed = sum(items, Decimal(0)) if items else None
    discount = sum(values(lines, Label.DISCOUNT), Decimal(0))
    charges = sum(values(lines, Label.CHARGE), Decimal(0))
    bases = [base for base in (subtotal, listed) if base is not None]
    expected = {base + (tax or Decimal(0)) - discount + charges for base in bases}
    unnamed = _unnamed(lines)
    expected |= {value + change for value in expected for change in (unnamed, -unnamed)}
    choices = product(bases, {Decimal(0), tax or Decimal(0)}, {Decimal(0), discount}, {Decimal(0), charges})
    partial = {base + extra - less + more for base, extra, less, more in choices} - expected
    return Sums(subtotal, tax, listed, tuple(sorted(expected)), tuple(sorted(partial)))


def _agrees(value: Decimal, others: Sequence[Decimal], *, rounded: bool) -> bool:
    room = ROUNDED if rounded and value == value.to_integral_value() else TOLERANCE
    return any(abs(value - other) <= room for other in others)


class _Surroundings:
    """What is the same for all amounts of a document."""

    def __init__(self, lines: Sequence[Line], found: Sums) -> None:
        self.found, self.count = found, len(lines)
        strong = [a for line in lines for a in line.amounts if a.paise or a.marked or line.label is not None]
        money = strong or [a for line in lines for a in line.amounts]
        self.counts = Counter(a.value for a in money)
        outside = {Label.PAID, Label.CHANGE}
        self.largest = max(
            (a.value for line in lines if line.label not in outside for a in line.amounts if a in money),
            default=Decimal(0),
        )
        paid, change = values(lines, Label.PAID), values(lines, Label.CHANGE)
        self.settled = [*paid, *(p - c for p in paid for c in change)]
        self.tallest = max((line.row.height for line in lines), default=1.0)
        self.last_total = max(
            (line.index for line in lines if line.label in _TOTALS and line.amounts), default=-1
        )

    def features(self, line: Line, amount: Amount, order: int) -> tuple[float, ...]:
        """`FEATURES` of one reading (`order` 0: the likeliest) of an amount."""
        value = amount.readings[order]
        return tuple(
            map(
                float,
                (
                    1,
                    line.label is Label.GRAND_TOTAL,
                    line.label is Label.TOTAL,
                    line.share if line.label in _TOTALS else 0,
                    line.borrowed,
                    line.label is None,
                    _agrees(value, self.found.expected, rounded=True),
                    _agrees(value, self.found.partial, rounded=True),
                    _agrees(value, self.settled, rounded=False),
                    value == self.largest or (order > 0 and amount.value == self.largest),
                    self.counts[value] > 1,
                    line.index / max(self.count - 1, 1),
                    order > 0,
                    amount.marked,
                    amount.paise,
                    line.row.height / self.tallest,
                    line.index == self.last_total,
                    line.label is not None and line.label not in _TOTALS,
                    line.row.confidence,
                ),
            )
        )


def _possible(amount: Amount, found: Sums) -> list[int]:
    """Which readings of an amount may be meant: those that follow from the other rows, where one does; else
    the likely ones."""
    orders = [order for order, value in enumerate(amount.readings) if value > 0]
    following = [o for o in orders if _agrees(amount.readings[o], found.expected, rounded=True)]
    return following or [o for o in orders if amount.readings[o] != amount.without_two]


def _is_money(amount: Amount) -> bool:
    """Whether a figure that nothing announces may be money: not a small count, and not six bare digits, which
    are a town's number."""
    bare = amount.value == amount.value.to_integral_value() and amount.end - amount.start == TOWN_DIGITS
    return amount.paise or amount.marked or (amount.value >= 20 and not bare)


def candidates(lines: Sequence[Line], found: Sums) -> list[Candidate]:
    """All amounts that may be the total, with each of their readings."""
    around = _Surroundings(lines, found)
    made = []
    for line in lines:
        for amount in line.amounts if line.label is None else line.amounts[-1:]:
            if line.label is None and not _is_money(amount):
                continue
            made += [
                Candidate(amount.readings[order], line.index, around.features(line, amount, order))
                for order in _possible(amount, found)
            ]
    return made


def probability(features: Sequence[float], weights: Sequence[float] = WEIGHTS) -> float:
    """That an amount with these features is the total."""
    score = sum(f * w for f, w in zip(features, weights, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


def choose(made: Sequence[Candidate], weights: Sequence[float] = WEIGHTS) -> tuple[Candidate | None, float]:
    """The likeliest candidate and the probability that it is the total; `(None, 0)` without any."""
    if not made:
        return None, 0.0
    ranked = sorted(made, key=lambda c: (-probability(c.features, weights), -c.line))
    best = ranked[0]
    likeliest = probability(best.features, weights)
    rival = max((probability(c.features, weights) for c in ranked if c.value != best.value), default=0.0)
    return best, likeliest * (1 - rival / (likeliest + rival + 1e-9)) if rival else likeliest
