"""The words of a text as the readers of dates see them, and what they find."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from munshi_inference.language import calendar_words as words
from munshi_inference.language.number_words import look_up
from munshi_inference.language.tokens import Token

_BEYOND = 8
"""Words that a phrasing looks at beyond the last one, at most; before the first one it looks at one."""


class DateSpan(NamedTuple):
    """A day, or an inclusive interval of days, in tokens `first` to `last` (exclusive)."""

    first: int
    last: int
    start: date
    end: date
    period: bool = False
    """Said as a period, even if it is one day long ("is hafte" on a Monday)."""

    @property
    def iso(self) -> str:
        """As the contract writes it: a day, or `start/end`."""
        return f"{self.start}/{self.end}" if self.period else str(self.start)


class DateWords:
    """A text's words and their classes. Nothing ends both lists, and so stands before the first word too."""

    def __init__(self, tokens: Sequence[Token], today: date) -> None:
        self.tokens = tokens
        self.today = today
        self.text = [token.text for token in tokens] + [""] * _BEYOND
        self.cls = [words.CLASSES.get(t.text) if t.is_word else None for t in tokens] + [None] * _BEYOND

    def small_number(self, i: int) -> int | None:
        """A count or a day of the month at token `i`, in digits or words."""
        return _small_number(self.text[i])

    def is_number(self, i: int) -> bool:
        """Whether token `i` is written in digits alone."""
        return self.text[i].isdecimal()

    def glued(self, i: int) -> bool:
        """Whether nothing stands between token `i` and the one before it."""
        return 0 < i < len(self.tokens) and self.tokens[i - 1].end == self.tokens[i].start

    def span(self, first: int, last: int, start: date, end: date | None = None) -> DateSpan:
        """A day, or with `end` a period."""
        return DateSpan(first, last, start, end or start, end is not None)


@lru_cache(maxsize=16384)
def _small_number(text: str) -> int | None:
    if text[:1].isdigit() or not text:
        return int(text) if text.isdecimal() and len(text) <= 4 else None
    if text in words.ORDINALS:
        return words.ORDINALS[text]
    found = look_up(text)
    return int(found[1]) if found and found[0] == "ones" else None
