"""A text as units: words, numbers, days, phones, times, bill numbers. What tagger and classifier see."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from munshi_inference.language.amounts import Number, find_numbers
from munshi_inference.language.dates import DateSpan, find_dates
from munshi_inference.language.script import fold
from munshi_inference.language.tokens import Token, tokenise

MAX_CHARACTERS = 1000
"""A longer message is no ledger entry; the rest is not read."""

_PHONE = re.compile(
    r"(?<![\d.,])(?:\+?91[\s-]?)?0?[6-9]\d{4}[\s-]?\d{5}(?![\d,]|\.\d)|(?<![\d,.])\d{11,}(?!\d)"
)
_LEAST_OF_PHONE = 10
"""Digits of a text that can hold a number to call; not even looked for in one with fewer."""
_TIME = re.compile(
    r"\b\d{1,2}(?:[:.]\d{2})?\s?(?:am|pm|a\.m|p\.m|baje|bje|bajey|o'clock)\b"
    r"|\b\d{1,2}:\d{2}\b"
    r"|(?:(?<=\bat )|(?<=\bby )|(?<=\btill )|(?<=\bvisit )|(?<=\bmeeting )|(?<=\bcall )|(?<=\bclass ))"
    r"(?:1[0-2]|[1-9])\.(?:00|15|30|45)\b(?!\s*(?:/|per|each|rs|rupe|kg|a\s))"
    r"|\d{1,2}(?:\.\d\d)?\s?बजे"
)
_BILL = (
    r"(?:bill|bil|invoice|inv|challan|chalan|receipt|reciept|raseed|rasid|rashid|voucher|memo|parchi"
    r"|बिल|रसीद|इनवॉइस|इन्वॉइस|चालान|पर्ची)"
)
_NUMBER_WORD = r"(?:number|nambar|namber|numbr|nmbr|no|num|nbr|sankhya|नंबर|नम्बर|नं|संख्या|#)"
_CODE = r"(?P<code>(?:[a-z]{1,6}[-/]?)?\d[\da-z]*(?:[-/][\da-z]+)*)"
_INVOICE = re.compile(
    rf"{_BILL}\s*{_NUMBER_WORD}\s*[.:#=-]*\s*(?:hai\s|is\s)?\s*{_CODE}"
    rf"|{_BILL}\s*[:#-]+\s*{_CODE.replace('code', 'code2')}"
    rf"|(?:invoice|inv|challan|voucher|इनवॉइस|चालान)\s+(?P<code5>\d{{1,6}})(?=\s*(?:,|-|from|of|dated|se|ka|$))"
    rf"|(?<![\w-])(?P<code3>(?!(?:rs|re|inr|rps)[-/])[a-z]{{1,6}}[-/]\d[\da-z]*(?:[-/][\da-z]+)*)(?![\w-])"
    rf"|(?<!\w)(?:no|नंबर|नं)\s*\.?\s*:?\s*(?P<code4>[a-z]{{1,4}}-?\d+)(?!\w)"
    rf"|,\s*(?:no|nos|number|नंबर|नं)\s*[.:#]*\s*(?P<code6>\d{{2,8}})(?![\w,.]*\d)"
)
_BILL_SOMEWHERE = re.compile(_BILL)


class Unit(NamedTuple):
    """A word, mark or parsed span. `start`, `end`: offsets into the text."""

    kind: str
    """`word`, `mark`, `number`, `day`, `period`, `phone`, `time` or `invoice`."""
    text: str
    """Folded."""
    key: str
    start: int
    end: int
    number: Number | None = None
    date: DateSpan | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with its units, in order."""

    text: str
    units: tuple[Unit, ...]
    invoice_no: str | None = None

    def slice(self, first: int, last: int) -> "Reading":
        """The part of units `first` to `last` (exclusive), as a reading of its own."""
        return Reading(self.text, self.units[first:last], self.invoice_no)


def read(text: str, today: date) -> Reading:
    """Splits a text into units; never raises for a text."""
    text = text[:MAX_CHARACTERS]
    folded = fold(text)
    tokens = tokenise(text)
    fixed, invoice = _fixed_spans(folded, tokens)
    taken = {i for first, last, _ in fixed for i in range(first, last)}
    dates = [d for d in find_dates(tokens, today) if taken.isdisjoint(range(d.first, d.last))]
    taken |= {i for d in dates for i in range(d.first, d.last)}
    numbers = find_numbers(tokens, text, frozenset(taken))
    spans: dict[int, tuple[int, Unit]] = {}
    for first, last, kind in fixed:
        spans[first] = (last, _unit(kind, folded, tokens, first, last))
    for d in dates:
        kind = "period" if d.period else "day"
        spans[d.first] = (d.last, _unit(kind, folded, tokens, d.first, d.last, span=d))
    for n in numbers:
        spans[n.first] = (n.last, _unit("number", folded, tokens, n.first, n.last, number=n))
    units = tuple(_walk(tokens, spans))
    raw_invoice = text[invoice[0] : invoice[1]] if invoice else None
    return Reading(text, units, raw_invoice)


def _walk(tokens: Sequence[Token], spans: dict[int, tuple[int, Unit]]) -> Iterator[Unit]:
    i = 0
    while i < len(tokens):
        if i in spans:
            last, unit = spans[i]
            yield unit
            i = max(last, i + 1)
            continue
        token = tokens[i]
        kind = "word" if token.is_word else "mark"
        yield Unit(kind, token.text, token.key, token.start, token.end)
        i += 1


def _unit(
    kind: str,
    folded: str,
    tokens: Sequence[Token],
    first: int,
    last: int,
    number: Number | None = None,
    span: DateSpan | None = None,
) -> Unit:
    start, end = tokens[first].start, tokens[last - 1].end
    return Unit(kind, folded[start:end], f"<{kind}>", start, end, number, span)


def _fixed_spans(
    folded: str, tokens: Sequence[Token]
) -> tuple[list[tuple[int, int, str]], tuple[int, int] | None]:
    """Token spans of phones, times and a bill number, and the characters of that number."""
    found: list[tuple[int, int, str]] = []
    invoice = _invoice(folded)
    marks: list[tuple[int, int, str]] = []
    if invoice:
        marks.append((*invoice, "invoice"))
    digits = sum(len(t.text) for t in tokens if t.kind == "number")
    if digits >= _LEAST_OF_PHONE:
        marks += [(m.start(), m.end(), "phone") for m in _PHONE.finditer(folded)]
    if digits:
        marks += [(m.start(), m.end(), "time") for m in _TIME.finditer(folded)]
    taken: set[int] = set()
    for start, end, kind in marks:
        inside = [i for i, t in enumerate(tokens) if t.start < end and t.end > start]
        if inside and taken.isdisjoint(inside):
            taken.update(inside)
            found.append((inside[0], inside[-1] + 1, kind))
    return found, invoice


def _invoice(folded: str) -> tuple[int, int] | None:
    if _BILL_SOMEWHERE.search(folded) is None and "-" not in folded and "/" not in folded:
        return None
    for match in _INVOICE.finditer(folded):
        name = next(n for n, v in match.groupdict().items() if v)
        if name in {"code4", "code6"} and _BILL_SOMEWHERE.search(folded) is None:
            continue
        return match.span(name)
    return None
