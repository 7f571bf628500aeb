"""From the pieces of a page to what the document says. Pure: pieces in, `Document` out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from munshi.contracts.media import Document, DocumentFields, LineItem
from munshi_inference.documents import amounts, dates, gstin, items, labels, money, numbers, total, vendor
from munshi_inference.documents.judging import Calibration
from munshi_inference.documents.kind import Classes, Judge
from munshi_inference.documents.labels import Label
from munshi_inference.documents.money import Line
from munshi_inference.documents.pieces import Piece, Row, rows

_CURRENCIES: tuple[tuple[str, str], ...] = (
    (r"₹|\binr\b|रुपये|रुपए|रु\.|\brupees\b", "INR"),
    (r"\blkr\b|රු", "LKR"),
    (r"\bnpr\b", "NPR"),
    (r"\busd\b|\$", "USD"),
    (r"\beur\b|€", "EUR"),
    (r"\bgbp\b|£", "GBP"),
    (r"\baed\b", "AED"),
)
BUYER_ROWS = 4
"""A GSTIN so many rows below the buyer's name is the buyer's."""

_RUPEES = frozenset({"INR", "LKR", "NPR", "PKR"})


@dataclass(frozen=True, slots=True)
class Sure:
    """A field and the probability that it is right."""

    value: object
    confidence: float


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before reading."""

    today: date
    currency: str
    engine: str
    weights: tuple[float, ...] | None = None
    """Of the total's features; `None` takes those written in the code."""
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    """By field; one that is not there keeps its raw confidence."""

    def sure(self, name: str, raw: float) -> float:
        """The probability that a field is right."""
        curve = self.calibration.get(name)
        return raw if curve is None or raw == 0 else curve(raw)


def _day(texts: Sequence[str], today: date) -> tuple[date | None, float, bool]:
    """The document's day, how sure it is, and whether only days after today were found."""
    best: tuple[float, int, date] | None = None
    future = False
    for index, text in enumerate(texts):
        for found in dates.find(text, today):
            before = text[: found.start]
            context = before if before.strip() else (texts[index - 1] if index else "")
            named = labels.find(context, frozenset({Label.DATE, Label.OTHER_DATE}))
            sure = 0.8 - 0.1 * (index / max(len(texts), 1)) - 0.25 * found.swapped
            if named is not None:
                sure += 0.17 if named.label is Label.DATE else -0.5
            if found.day > today:
                future, sure = True, sure - 0.6
            ranked = (sure, -index, found.day)
            best = max(best, ranked) if best else ranked
    if best is None:
        return None, 0.0, False
    return best[2], max(0.05, min(best[0], 0.98)), future and best[2] > today


def _currency(text: str, expected: str, indian: bool) -> tuple[str, float]:
    """The currency that the document names; the tenant's where it names none. `Rs` is the tenant's rupee."""
    lowered = text.casefold()
    if re.search(r"\brs\b|\brs\.", lowered) or indian:
        return (expected if expected in _RUPEES and not indian else "INR"), 0.95
    for pattern, code in _CURRENCIES:
        if re.search(pattern, lowered):
            return code, 0.95
    return expected, 0.8


def _gstin(texts: Sequence[str]) -> tuple[str | None, bool]:
    """The seller's GSTIN (the first that does not stand below the buyer's name), and whether a wrong one was
    seen."""
    wrong, found = False, []
    buyers = [index for index, text in enumerate(texts) if labels.names_buyer(text)]
    for index, text in enumerate(texts):
        number, seen = gstin.find(text)
        wrong = wrong or seen
        if number is not None:
            found.append((any(0 <= index - at <= BUYER_ROWS for at in buyers), index, number))
    sellers = [number for buyers_own, _, number in sorted(found) if not buyers_own]
    return (sellers[0], False) if sellers else (None, wrong and not found)


def _checks(sums: total.Sums, value: Decimal | None) -> tuple[str, ...]:
    """What does not add up."""
    failed = []
    if value is None:
        return ()
    if sums.items is not None and not _adds_up(value, sums):
        failed.append("lines_do_not_add_up")
    if sums.tax is not None and sums.subtotal is not None and not _adds_up(value, sums):
        failed.append("tax_does_not_add_up")
    return tuple(failed)


def _near(value: Decimal, expected: Sequence[Decimal]) -> bool:
    return any(abs(value - other) <= total.ROUNDED for other in expected)


def _adds_up(value: Decimal, sums: total.Sums) -> bool:
    return _near(value, sums.expected) or _near(value, sums.partial)


def _total(
    lines: Sequence[Line], goods: Sequence[LineItem], weights: tuple[float, ...] | None
) -> tuple[Decimal | None, float, total.Sums]:
    listed = [item.amount for item in goods if item.amount is not None]
    sums = total.sums(lines, listed)
    made = total.candidates(lines, sums)
    best, sure = total.choose(made, weights) if weights else total.choose(made)
    return (best.value if best else None), sure, sums


def read(pieces: Sequence[Piece], context: Context, judge: Judge, pages: int = 1) -> Document:
    """What a page says. Never raises for a page: what is not there is absent."""
    laid = rows(pieces)
    return from_rows(laid, context, judge, pages)


def from_rows(laid: Sequence[Row], context: Context, judge: Judge, pages: int = 1) -> Document:
    """The same from rows in reading order."""
    texts = [amounts.clean(row.text) for row in laid]
    text = "\n".join(texts)
    lines = money.read(laid)
    goods = items.read(lines)
    value, total_sure, sums = _total(lines, goods, context.weights)
    day, day_sure, future = _day(texts, context.today)
    name, name_sure = vendor.find(laid)
    number, number_sure = numbers.find([row.text for row in laid])  # cleaning makes figures of letters
    tax_id, wrong_tax_id = _gstin(texts)
    currency, currency_sure = _currency(text, context.currency, indian=tax_id is not None or wrong_tax_id)
    classes: Classes = judge.judge(text)
    total_sure = context.sure("total", total_sure)
    fields = {
        "total": Sure(value, total_sure),
        "date": Sure(day, context.sure("date", day_sure)),
        "vendor": Sure(name, context.sure("vendor", name_sure)),
        "invoice_no": Sure(number, context.sure("invoice_no", number_sure)),
        "gstin": Sure(tax_id, 0.99),
        "currency": Sure(currency if value is not None else None, currency_sure),
        "subtotal": Sure(sums.subtotal, 0.9 * total_sure),
        "tax": Sure(sums.tax, 0.9 * total_sure),
    }
    failed = list(_checks(sums, value))
    failed += ["gstin_checksum"] * wrong_tax_id + ["date_in_future"] * future
    return Document(
        kind=classes.kind,
        fields=DocumentFields.model_validate({name: found.value for name, found in fields.items()}),
        confidences={n: round(found.confidence, 4) for n, found in fields.items() if found.value is not None},
        lines=tuple(goods),
        failed_checks=tuple(failed),
        category=classes.category,
        category_confidence=round(classes.category_confidence, 4),
        text=text,
        confidence=round(min(1.0, classes.kind_confidence * total_sure), 4),
        pages=pages,
        engine=context.engine,
    )
