"""Days and periods as people say them: aaj, kal, is hafte, pichhle mahine, 1 se 15 tarikh, last 7 days."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from munshi_inference.language import calendar_words as words
from munshi_inference.language.date_periods import Periods
from munshi_inference.language.date_words import DateSpan
from munshi_inference.language.number_words import look_up
from munshi_inference.language.tokens import Token

_TELLING = frozenset(
    """
    TODAY KAL PARSO NARSO YESTERDAY TOMORROW NOW
    DAYS WEEK MONTH YEAR QUARTER WEEKLY MONTHLY YEARLY TARIKH
    """.split()
)
"""Classes of words of which each phrasing has one that names no weekday or month and is not all digits."""
_TELLING_WORDS = frozenset(
    {
        *words.WEEKDAYS,
        *words.MONTHS,
        *words.ORDINAL_ENDINGS,
        *(word for word, name in words.CLASSES.items() if name in _TELLING),
        *words.FORTNIGHTS,
    }
)
_SEPARATORS = frozenset({"/", "-", "."})
"""Between the numbers of a date in digits."""
_TELLING_OR_PART = _TELLING_WORDS | _SEPARATORS
_REACH = 7
"""Tokens after its first in which a phrasing has the first of these: "from 1 to 15 of - november"."""
_BEGINNINGS = frozenset(
    """
    TODAY KAL PARSO NARSO YESTERDAY TOMORROW THIS LAST NEXT ALL
    DAYS WEEK MONTH YEAR WEEKLY MONTHLY YEARLY TARIKH
    """.split()
)
"""Classes of words with which a day or a period can begin."""
_BEGINNING_WORDS = frozenset({"a", "an", "the", "day", "from", "between", "since"})


@lru_cache(maxsize=16384)
def _may_begin(text: str, kind: str) -> bool:
    """Whether any phrasing begins with such a token: most do with none, and trying them all takes long."""
    return (
        kind == "number"
        or not text.strip()
        or words.CLASSES.get(text) in _BEGINNINGS
        or text in _BEGINNING_WORDS
        or text in words.WEEKDAYS
        or text in words.MONTHS
        or text in words.ORDINALS
        or look_up(text) is not None
    )


def find_dates(tokens: Sequence[Token], today: date) -> list[DateSpan]:
    """Every day or period that the text names, in order; never raises for a text."""
    telling = _telling(tokens)
    if not telling:
        return []
    periods = Periods(tokens, today)
    spans: list[DateSpan] = []
    i = 0
    for told in telling:
        i = max(i, told - _REACH)
        while i <= told:
            found = _longest(periods, i)
            if found is None:
                i += 1
            else:
                spans.append(found)
                i = found.last
    return spans


def _telling(tokens: Sequence[Token]) -> list[int]:
    """Tokens of which each phrasing has one within reach of its first; most texts have none at all."""
    last = len(tokens) - 1
    return [
        i
        for i, (text, _, _, _, _) in enumerate(tokens)
        if text in _TELLING_OR_PART
        and (
            text not in _SEPARATORS or (0 < i < last and tokens[i - 1].kind == tokens[i + 1].kind == "number")
        )
    ]


def _longest(periods: Periods, i: int) -> DateSpan | None:
    token = periods.tokens[i]
    if not _may_begin(token.text, token.kind):
        return None
    try:
        return periods.longest(i)
    except (OverflowError, ValueError):
        return None
