"""Days and periods as people say them: aaj, kal, is hafte, pichhle mahine, 1 se 15 tarikh, last 7 days.

Weeks start on Monday. A running period ("is hafte") ends today, a past one ("pichhle hafte") is whole.
"kal" and "parso" are yesterday's side unless the verb says otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from munshi_inference.language import calendar_words as words
from munshi_inference.language import date_arithmetic as arithmetic
from munshi_inference.language.date_arithmetic import DAY
from munshi_inference.language.number_words import look_up
from munshi_inference.language.tokens import Token

MAXDAYS_BACK = 3660
"""Ten years: a larger count of days back is no date a shopkeeper means."""


@dataclass(frozen=True, slots=True)
class DateSpan:
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


class _Finder:
    """Tries every phrasing at every token; the longest that fits wins."""

    def __init__(self, tokens: Sequence[Token], today: date, future: bool) -> None:
        self.tokens = tokens
        self.today = today
        self.future = future
        self.points: dict[int, DateSpan | None] = {}
        self.classes = [words.word_class(t.text, t.key) if t.is_word else None for t in tokens]

    def cls(self, i: int) -> str | None:
        return self.classes[i] if 0 <= i < len(self.classes) else None

    def text(self, i: int) -> str:
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def small_number(self, i: int) -> int | None:
        """A count or a day of the month at token `i`, in digits or words."""
        if not 0 <= i < len(self.tokens):
            return None
        token = self.tokens[i]
        if token.kind == "number":
            return int(token.text) if token.text.isdecimal() and len(token.text) <= 4 else None
        if token.text in words.ORDINALS:
            return words.ORDINALS[token.text]
        found = look_up(token.text)
        return int(found[1]) if found and found[0] == "ones" else None

    def span(self, first: int, last: int, start: date, end: date | None = None) -> DateSpan:
        return DateSpan(first, last, start, end or start, end is not None)

    # -- single days ----------------------------------------------------------------------------------------

    def relative_day(self, i: int) -> DateSpan | None:
        kind = self.cls(i)
        if kind == "KAL" and self.cls(i - 1) == "LAST":
            return self.span(i, i + 1, self.today - DAY)
        if kind in words.DAYS_AWAY:
            sign = 1 if self.future else -1
            return self.span(i, i + 1, self.today + sign * words.DAYS_AWAY[kind] * DAY)
        if kind in words.DAYS_FIXED:
            return self.span(i, i + 1, self.today + words.DAYS_FIXED[kind] * DAY)
        if self.text(i) == "day" and self.text(i + 1) in {"before", "after"}:
            side = words.DAYS_FIXED.get(self.cls(i + 2) or "")
            return self.span(i, i + 3, self.today + 2 * side * DAY) if side else None
        return None

    def weekday(self, i: int) -> DateSpan | None:
        last = self.cls(i) in {"LAST", "THIS", "NEXT"}
        at = i + 1 if last else i
        day = words.WEEKDAYS.get(self.text(at))
        if day is None:
            return None
        back = (self.today.weekday() - day) % 7
        if self.cls(i) == "NEXT":
            return self.span(i, at + 1, self.today + timedelta(days=7 - back))
        if self.cls(i) == "LAST" and back == 0:
            back = 7
        return self.span(i, at + 1, self.today - timedelta(days=back))

    def ago(self, i: int) -> DateSpan | None:
        """ "3 din pehle", "a week ago", "do hafte pehle"."""
        article = self.text(i) in {"a", "an"}
        count = 1 if article else self.small_number(i)
        at = i + 1
        if count is None and self.cls(i) in {"DAYS", "WEEK", "MONTH"}:
            count, at = 1, i
        days = words.DAYS_OF.get(self.cls(at) or "")
        if count is None or days is None or self.cls(at + 1) != "AGO" or count * days > MAXDAYS_BACK:
            return None
        if self.cls(at) == "MONTH":
            return self.span(i, at + 2, arithmetic.months_back(self.today, count))
        return self.span(i, at + 2, self.today - timedelta(days=count * days))

    def day_of_month(self, i: int) -> DateSpan | None:
        """ "12 tarikh", "12th", "on the 5th"; the latest such day that is not ahead."""
        day = self.small_number(i)
        ordinal = self.text(i + 1) in words.ORDINAL_ENDINGS and self.tokens[i].end == self.tokens[i + 1].start
        after = i + 2 if ordinal else i + 1
        tarikh = self.cls(after) == "TARIKH"
        if day is None or not 1 <= day <= 31 or not (tarikh or ordinal):
            if self.cls(i) == "TARIKH" and (day := self.small_number(i + 1)) and 1 <= day <= 31:
                return self._on_day(i, i + 2, day)
            return None
        return self._on_day(i, after + tarikh, day)

    def _on_day(self, first: int, last: int, day: int) -> DateSpan | None:
        found = arithmetic.latest_day(self.today, day)
        return self.span(first, last, found) if found else None

    def calendar_day(self, i: int) -> DateSpan | None:
        """ "5 nov", "nov 5", "5th of November 2026", "५ नवंबर"."""
        named = self._day_and_month(i)
        if named is None:
            return None
        day, month, after = named
        year = self.small_number(after)
        if year is None or not 2000 <= year <= 2100:
            found = arithmetic.latest_of_month(self.today, day, month)
            return self.span(i, after, found) if found else None
        built = arithmetic.build(year, month, day)
        return self.span(i, after + 1, built) if built else None

    def _day_and_month(self, i: int) -> tuple[int, int, int] | None:
        """Day, month and the token after them."""
        month = words.MONTHS.get(self.text(i))
        if month and (day := self.small_number(i + 1)) and day <= 31 and self.text(i + 1).isdecimal():
            ordinal = self.text(i + 2) in words.ORDINAL_ENDINGS
            following = i + 2 + ordinal
            return day, month, following + (self.text(following) == ",")
        day_ = self.small_number(i)
        if day_ is None or not 1 <= day_ <= 31:
            return None
        at = i + 1
        while self.text(at) in {*words.ORDINAL_ENDINGS, "of", "-", "tarikh"} and at < i + 4:
            at += 1
        month = words.MONTHS.get(self.text(at))
        if month is None or (
            self.text(at) in words.DOUBTFUL_MONTHS and self.text(i + 1) not in words.ORDINAL_ENDINGS
        ):
            return None
        at += 1 + (self.text(at + 1) in {",", "-"} and (self.small_number(at + 2) or 0) >= 2000)
        return day_, month, at

    def numeric(self, i: int) -> DateSpan | None:
        """ "12/11/2026", "12-11-26", "2026-11-12", "12/11", "12.11.2026" (day first, as written in India)."""
        parts: list[int] = []
        separators: list[str] = []
        at = i
        dotted = self.text(i).split(".")
        if self.tokens[i].kind == "number" and len(dotted) == 2 and self.text(i + 1) == ".":
            parts, separators, at = [int(p or 0) for p in dotted], [".", "."], i + 2
            if not (at < len(self.tokens) and self.tokens[at].kind == "number" and self.text(at).isdecimal()):
                return None
            parts.append(int(self.text(at)))
            return self._from_parts(i, at + 1, parts)
        while at < len(self.tokens) and self.tokens[at].kind == "number" and self.text(at).isdecimal():
            parts.append(int(self.text(at)))
            at += 1
            glued = at < len(self.tokens) and self.tokens[at - 1].end == self.tokens[at].start
            if len(parts) == 3 or not glued or self.text(at) not in {"/", "-"}:
                break
            separators.append(self.text(at))
            at += 1
        if len(separators) >= len(parts):
            at -= 1
        if len(parts) < 2 or (len(parts) == 2 and separators[0] != "/"):
            return None
        return self._from_parts(i, at, parts)

    def _from_parts(self, first: int, last: int, parts: list[int]) -> DateSpan | None:
        if len(parts) == 2:
            found = (
                arithmetic.latest_of_month(self.today, parts[0], parts[1]) if parts[0] and parts[1] else None
            )
            return self.span(first, last, found) if found else None
        year, month, day = parts if parts[0] > 31 else (parts[2], parts[1], parts[0])
        built = arithmetic.build(year + 2000 if year < 100 else year, month, day)
        if built is None and parts[0] <= 12:
            built = arithmetic.build(year + 2000 if year < 100 else year, day, month)
        return self.span(first, last, built) if built else None

    # -- periods --------------------------------------------------------------------------------------------

    def named_period(self, i: int) -> DateSpan | None:
        """ "is hafte", "last month", "pichhle saal", "poore mahine"."""
        which, unit = self.cls(i), self.cls(i + 1)
        if which == "ALL" and self.cls(i + 1) in {"THIS", "LAST"}:
            inner = self.named_period(i + 1)
            return DateSpan(i, inner.last, inner.start, inner.end, inner.period) if inner else None
        if which not in {"THIS", "LAST", "ALL"} or unit not in {"WEEK", "MONTH", "YEAR", "QUARTER"}:
            return None
        start, end = arithmetic.period_of(self.today, unit, -1 if which == "LAST" else 0)
        return self.span(i, i + 2, start, end)

    def last_count(self, i: int) -> DateSpan | None:
        """ "last 7 days", "pichhle do hafte": so many days up to today."""
        at = i + (self.text(i) == "the") + 0
        if self.cls(at) not in {"LAST", "THIS"}:
            return None
        count = self.small_number(at + 1)
        unit = self.cls(at + 2)
        if count is None or unit not in words.DAYS_OF or not 1 <= count * words.DAYS_OF[unit] <= MAXDAYS_BACK:
            return None
        if unit == "MONTH":
            start = arithmetic.months_back(self.today, count) + DAY
        else:
            start = self.today - timedelta(days=count * words.DAYS_OF[unit] - 1)
        return self.span(i, at + 3, start, self.today)

    def bare_unit(self, i: int) -> DateSpan | None:
        """ "hafte ka hisaab", "mahine bhar ki bikri", "weekly report", "monthly total"."""
        unit = {"WEEKLY": "WEEK", "MONTHLY": "MONTH", "YEARLY": "YEAR"}.get(self.cls(i) or "")
        if unit is None:
            unit = self.cls(i) if self.cls(i) in {"WEEK", "MONTH", "YEAR"} else None
            if unit is None or self.cls(i + 1) not in {"OF", "WHOLE"} or self.small_number(i - 1) is not None:
                return None
        start, end = arithmetic.period_of(self.today, unit, 0)
        return self.span(i, i + 1, start, end)

    def said_period(self, i: int) -> DateSpan | None:
        """ "the week", "this fortnight", "last fortnight", "month to date", "so far this month"."""
        words_here = " ".join(self.text(j) for j in range(i, i + 4)).strip()
        for phrase, unit in (
            ("month to date", "MONTH"),
            ("month till date", "MONTH"),
            ("week to date", "WEEK"),
            ("year to date", "YEAR"),
        ):
            if words_here.startswith(phrase):
                return self.span(i, i + 3, *arithmetic.period_of(self.today, unit, 0))
        at = i + (self.text(i) in {"the", "this", "last", "past", "previous", "is", "pichhle", "pichle"})
        at += self.text(at) in {"last", "past"}
        if at > i and self.text(at) in {"fortnight", "pakhwade", "pakhwada"}:
            return self.span(i, at + 1, self.today - timedelta(days=14 - 1), self.today)
        if (
            self.text(i) == "the"
            and not (self.text(i + 2) == "of" and self.text(i + 3) in words.MONTHS)
            and self.cls(i + 1) in {"WEEK", "MONTH", "YEAR"}
            and self.text(i - 1) in {"for", "of", "in", "during"}
        ):
            return self.span(i, i + 2, *arithmetic.period_of(self.today, self.cls(i + 1) or "WEEK", 0))
        return None

    def month_named(self, i: int) -> DateSpan | None:
        """ "november ka hisaab", "in October 2026": the latest such month, up to today."""
        month = words.MONTHS.get(self.text(i))
        if month is None or self.text(i) in words.DOUBTFUL_MONTHS:
            return None
        year = self.small_number(i + 1)
        last = i + 1
        if year is not None and 2000 <= year <= 2100:
            last = i + 2
        elif self.cls(i + 1) == "LAST" and self.cls(i + 2) == "YEAR":
            year, last = self.today.year - 1, i + 3
        else:
            year = self.today.year - (month > self.today.month)
        start = date(year, month, 1)
        end = arithmetic.month_end(start)
        if start > self.today:
            return None
        return self.span(i, last, start, min(end, self.today))

    def month_of_last_year(self, i: int) -> DateSpan | None:
        """ "pichhle saal november", "last year march"."""
        month = words.MONTHS.get(self.text(i + 2))
        if self.cls(i) != "LAST" or self.cls(i + 1) != "YEAR" or month is None:
            return None
        start = date(self.today.year - 1, month, 1)
        return self.span(i, i + 3, start, arithmetic.month_end(start))

    def months(self, i: int) -> DateSpan | None:
        """ "january se march tak", "april to june": whole months, up to today."""
        at = i + (self.text(i) in {"from", "between"})
        first, second = words.MONTHS.get(self.text(at)), words.MONTHS.get(self.text(at + 2))
        if (
            first is None
            or second is None
            or not (self.cls(at + 1) == "TO" or self.text(at + 1) in {"-", "and"})
        ):
            return None
        end_year = self.today.year - (second > self.today.month)
        start = date(end_year - (first > second), first, 1)
        end = min(arithmetic.month_end(date(end_year, second, 1)), self.today)
        return self.span(i, self._closing(at + 3), start, end)

    def range(self, i: int) -> DateSpan | None:
        """ "1 se 15 tarikh", "1 nov se 10 nov", "from Monday to today", "1 to 15 november", "1-15 tarikh"."""
        lead = self.text(i) in {"from", "between"}
        at = i + lead
        start = self.point(at)
        between = start.last if start else at + 1
        bare = None if start else self.small_number(at)
        if start is None and (bare is None or not 1 <= bare <= 31):
            return None
        if self.text(between) in words.ORDINAL_ENDINGS:
            between += 1
        joined = (
            self.cls(between) == "TO" or self.text(between) == "-" or (lead and self.text(between) == "and")
        )
        if not joined:
            return None
        end = self.now(between + 1) or self.point(between + 1)
        if end is None and start is not None and (start.last - start.first) >= 2:
            end = self._bare_end(between + 1)
        if end is None:
            return None
        first_day = start.start if start else arithmetic.day_before(end.start, bare or 1)
        if first_day is None:
            return None
        return self._ordered(i, self._closing(end.last), first_day, end.start)

    def _closing(self, last: int) -> int:
        """The token after words that close a range: "1 se 15 tarikh tak"."""
        last += self.cls(last) == "TARIKH"
        return last + (self.cls(last) == "UNTIL" or self.text(last) in {"ke beech", "beech"})

    def _bare_end(self, i: int) -> DateSpan | None:
        """The second of "1 tarikh se 15 tak"."""
        day = self.small_number(i)
        if day is None or not 1 <= day <= 31 or self.cls(i + 1) != "UNTIL":
            return None
        return self._on_day(i, i + 1, day)

    def _ordered(self, first: int, last: int, start: date, end: date) -> DateSpan | None:
        if start > end:
            start = (
                arithmetic.year_before(start) if start.month > end.month else arithmetic.months_back(start, 1)
            )
        return self.span(first, last, start, end) if start <= end else None

    def since(self, i: int) -> DateSpan | None:
        """ "since Monday", "1 tarikh se (ab tak)"."""
        if self.text(i) == "since" and (point := self.point(i + 1)):
            return self.span(i, point.last, point.start, self.today)
        return None

    def now(self, i: int) -> DateSpan | None:
        """The end of an open range: "aaj tak", "ab tak", "till date"."""
        if self.cls(i) in {"TODAY", "NOW"}:
            return self.span(i, i + 1, self.today)
        if self.cls(i) == "UNTIL" and self.text(i + 1) in {"now", "date"}:
            return self.span(i, i + 2, self.today)
        return None

    def point(self, i: int) -> DateSpan | None:
        """The longest single day at token `i`; asked for more than once."""
        if i not in self.points:
            rules = (
                self.relative_day, self.weekday, self.ago, self.numeric, self.calendar_day, self.day_of_month,
            )  # fmt: skip
            self.points[i] = _longest(i, len(self.tokens), rules)
        return self.points[i]

    def longest(self, i: int) -> DateSpan | None:
        return _longest(
            i,
            len(self.tokens),
            (
                self.range, self.since, self.last_count, self.named_period, self.point, self.bare_unit,
                self.said_period, self.month_named, self.month_of_last_year, self.months,
            ),
        )  # fmt: skip


def _longest(i: int, count: int, rules: Sequence[Callable[[int], DateSpan | None]]) -> DateSpan | None:
    best: DateSpan | None = None
    if i < count:
        for rule in rules:
            found = rule(i)
            if found and (best is None or found.last > best.last):
                best = found
    return best


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
        or words.word_class(text, text) in _BEGINNINGS
        or text in _BEGINNING_WORDS
        or text in words.WEEKDAYS
        or text in words.MONTHS
        or text in words.ORDINALS
        or look_up(text) is not None
    )


def find_dates(tokens: Sequence[Token], today: date) -> list[DateSpan]:
    """Every day or period that the text names, in order; never raises for a text."""
    finder = _Finder(tokens, today, speaks_of_future(tokens))
    spans: list[DateSpan] = []
    i = 0
    while i < len(tokens):
        try:
            found = finder.longest(i) if _may_begin(tokens[i].text, tokens[i].kind) else None
        except (OverflowError, ValueError):
            found = None
        if found is None:
            i += 1
            continue
        spans.append(found)
        i = found.last
    return spans


def speaks_of_future(tokens: Sequence[Token]) -> bool:
    """Whether the verbs put "kal" on tomorrow's side: dega, denge, dena hai, kal tak, कल देगा."""
    return any(
        token.text in words.FUTURE_WORDS
        or (
            token.is_word
            and len(token.text) > 3
            and token.key.endswith(words.FUTURE_ENDINGS)
            and _verb(token.key)
        )
        for token in tokens
    )


def _verb(word_key: str) -> bool:
    return word_key not in words.NOT_FUTURE
