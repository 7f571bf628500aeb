"""A text as units: words, numbers, days, phones, times, bill numbers. What tagger and classifier see."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from munshi_inference.language.amounts import Number, find_numbers
from munshi_inference.language.date_words import DateSpan
from munshi_inference.language.dates import find_dates
from munshi_inference.language.script import fold
from munshi_inference.language.tokens import Token, tokenise_folded

MAX_CHARACTERS = 1000
"""A longer message is no ledger entry; the rest is not read."""

_PHONE = re.compile(
    r"(?<![\d.,])(?:\+?91[\s-]?)?0?[6-9]\d{4}[\s-]?\d{5}(?![\d,]|\.\d)|(?<![\d,.])\d{11,}(?!\d)"
)
_LEAST_OF_PHONE = 10
"""Digits of a text that can hold a number to call; not even looked for in one with fewer."""
_TIME_SOMEWHERE = re.compile(r"[ap](?:m|\.m)|baje|bje|o'clock|:\d\d|\.(?:[03]0|[14]5)|बजे")
"""What each time of day has; quicker to look for than a time."""
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


class Reading(NamedTuple):
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
    tokens = tokenise_folded(folded)
    fixed, invoice = _fixed_spans(folded, tokens)
    taken = {i for first, last, _ in fixed for i in range(first, last)}
    spans: dict[int, _Span] = {first: _Span(last, kind) for first, last, kind in fixed}
    for found in find_dates(tokens, today):
        inside = range(found.first, found.last)
        if taken.isdisjoint(inside):
            taken.update(inside)
            spans[found.first] = _Span(found.last, "period" if found.period else "day", None, found)
    for number in find_numbers(tokens, text, taken):
        spans[number.first] = _Span(number.last, "number", number)
    raw_invoice = text[invoice[0] : invoice[1]] if invoice else None
    return Reading(text, _units(folded, tokens, spans), raw_invoice)


class _Span(NamedTuple):
    """What tokens up to `last` (exclusive) are together."""

    last: int
    kind: str
    number: Number | None = None
    date: DateSpan | None = None


def _units(folded: str, tokens: Sequence[Token], spans: Mapping[int, _Span]) -> tuple[Unit, ...]:
    units: list[Unit] = []
    after = 0
    for i, (text, key, kind, start, end) in enumerate(tokens):
        if i < after:
            continue
        if i in spans:
            after, name, number, date = spans[i]
            last = tokens[after - 1].end
            found = (name, folded[start:last], f"<{name}>", start, last, number, date)
        else:
            found = ("word" if kind == "word" else "mark", text, key, start, end, None, None)
        units.append(_new(Unit, found))
    return tuple(units)


_new = tuple.__new__
"""Half the price of calling the class."""


def _fixed_spans(
    folded: str, tokens: Sequence[Token]
) -> tuple[list[tuple[int, int, str]], tuple[int, int] | None]:
    """Token spans of phones, times and a bill number, and the characters of that number."""
    found: list[tuple[int, int, str]] = []
    invoice = _invoice(folded)
    marks: list[tuple[int, int, str]] = []
    if invoice:
        marks.append((*invoice, "invoice"))
    digits = sum([len(text) for text, _, kind, _, _ in tokens if kind == "number"])
    if digits >= _LEAST_OF_PHONE:
        marks += [(m.start(), m.end(), "phone") for m in _PHONE.finditer(folded)]
    if digits and _TIME_SOMEWHERE.search(folded):
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
