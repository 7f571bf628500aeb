"""Periods: is hafte, pichhle mahine, last 7 days, november ka hisaab, 1 se 15 tarikh.

Weeks start on Monday. A running period ("is hafte") ends today, a past one ("pichhle hafte") is whole.
"""

from datetime import date, timedelta

from munshi_inference.language import calendar_words as words
from munshi_inference.language import date_arithmetic as arithmetic
from munshi_inference.language.date_arithmetic import DAY
from munshi_inference.language.date_days import MAXDAYS_BACK, Days
from munshi_inference.language.date_words import DateSpan


class Periods(Days):
    """Each phrasing of a period, tried at one token; what begins and ends one is a day."""

    def longest(self, i: int) -> DateSpan | None:
        """The longest day or period at token `i`."""
        if self.tokens[i].kind == "number":
            return self.longest_of((self.range, self.point), i)
        return self.longest_of(
            (
                self.range, self.since, self.last_count, self.named_period, self.point, self.bare_unit,
                self.said_period, self.month_named, self.month_of_last_year, self.months,
            ),
            i,
        )  # fmt: skip

    def named_period(self, i: int) -> DateSpan | None:
        """ "is hafte", "last month", "pichhle saal", "poore mahine"."""
        which, unit = self.cls[i], self.cls[i + 1]
        if which == "ALL" and self.cls[i + 1] in {"THIS", "LAST"}:
            inner = self.named_period(i + 1)
            return DateSpan(i, inner.last, inner.start, inner.end, inner.period) if inner else None
        if which not in {"THIS", "LAST", "ALL"} or unit not in {"WEEK", "MONTH", "YEAR", "QUARTER"}:
            return None
        start, end = arithmetic.period_of(self.today, unit, -1 if which == "LAST" else 0)
        return self.span(i, i + 2, start, end)

    def last_count(self, i: int) -> DateSpan | None:
        """ "last 7 days", "pichhle do hafte": so many days up to today."""
        at = i + (self.text[i] == "the") + 0
        if self.cls[at] not in {"LAST", "THIS"}:
            return None
        count = self.small_number(at + 1)
        unit = self.cls[at + 2]
        if count is None or unit not in words.DAYS_OF or not 1 <= count * words.DAYS_OF[unit] <= MAXDAYS_BACK:
            return None
        if unit == "MONTH":
            start = arithmetic.months_back(self.today, count) + DAY
        else:
            start = self.today - timedelta(days=count * words.DAYS_OF[unit] - 1)
        return self.span(i, at + 3, start, self.today)

    def bare_unit(self, i: int) -> DateSpan | None:
        """ "hafte ka hisaab", "mahine bhar ki bikri", "weekly report", "monthly total"."""
        unit = {"WEEKLY": "WEEK", "MONTHLY": "MONTH", "YEARLY": "YEAR"}.get(self.cls[i] or "")
        if unit is None:
            unit = self.cls[i] if self.cls[i] in {"WEEK", "MONTH", "YEAR"} else None
            if unit is None or self.cls[i + 1] not in {"OF", "WHOLE"} or self.small_number(i - 1) is not None:
                return None
        start, end = arithmetic.period_of(self.today, unit, 0)
        return self.span(i, i + 1, start, end)

    def said_period(self, i: int) -> DateSpan | None:
        """ "the week", "this fortnight", "last fortnight", "month to date", "so far this month"."""
        words_here = " ".join(self.text[j] for j in range(i, i + 4)).strip()
        for phrase, unit in (
            ("month to date", "MONTH"),
            ("month till date", "MONTH"),
            ("week to date", "WEEK"),
            ("year to date", "YEAR"),
        ):
            if words_here.startswith(phrase):
                return self.span(i, i + 3, *arithmetic.period_of(self.today, unit, 0))
        at = i + (self.text[i] in {"the", "this", "last", "past", "previous", "is", "pichhle", "pichle"})
        at += self.text[at] in {"last", "past"}
        if at > i and self.text[at] in words.FORTNIGHTS:
            return self.span(i, at + 1, self.today - timedelta(days=14 - 1), self.today)
        if (
            self.text[i] == "the"
            and not (self.text[i + 2] == "of" and self.text[i + 3] in words.MONTHS)
            and self.cls[i + 1] in {"WEEK", "MONTH", "YEAR"}
            and self.text[i - 1] in {"for", "of", "in", "during"}
        ):
            return self.span(i, i + 2, *arithmetic.period_of(self.today, self.cls[i + 1] or "WEEK", 0))
        return None

    def month_named(self, i: int) -> DateSpan | None:
        """ "november ka hisaab", "in October 2026": the latest such month, up to today."""
        month = words.MONTHS.get(self.text[i])
        if month is None or self.text[i] in words.DOUBTFUL_MONTHS:
            return None
        year = self.small_number(i + 1)
        last = i + 1
        if year is not None and 2000 <= year <= 2100:
            last = i + 2
        elif self.cls[i + 1] == "LAST" and self.cls[i + 2] == "YEAR":
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
        month = words.MONTHS.get(self.text[i + 2])
        if self.cls[i] != "LAST" or self.cls[i + 1] != "YEAR" or month is None:
            return None
        start = date(self.today.year - 1, month, 1)
        return self.span(i, i + 3, start, arithmetic.month_end(start))

    def months(self, i: int) -> DateSpan | None:
        """ "january se march tak", "april to june": whole months, up to today."""
        at = i + (self.text[i] in {"from", "between"})
        first, second = words.MONTHS.get(self.text[at]), words.MONTHS.get(self.text[at + 2])
        if (
            first is None
            or second is None
            or not (self.cls[at + 1] == "TO" or self.text[at + 1] in {"-", "and"})
        ):
            return None
        end_year = self.today.year - (second > self.today.month)
        start = date(end_year - (first > second), first, 1)
        end = min(arithmetic.month_end(date(end_year, second, 1)), self.today)
        return self.span(i, self._closing(at + 3), start, end)

    def range(self, i: int) -> DateSpan | None:
        """ "1 se 15 tarikh", "1 nov se 10 nov", "from Monday to today", "1 to 15 november", "1-15 tarikh"."""
        lead = self.text[i] in {"from", "between"}
        at = i + lead
        start = self.point(at)
        between = start.last if start else at + 1
        bare = None if start else self.small_number(at)
        if start is None and (bare is None or not 1 <= bare <= 31):
            return None
        if self.text[between] in words.ORDINAL_ENDINGS:
            between += 1
        joined = (
            self.cls[between] == "TO" or self.text[between] == "-" or (lead and self.text[between] == "and")
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
        last += self.cls[last] == "TARIKH"
        return last + (self.cls[last] == "UNTIL" or self.text[last] in {"ke beech", "beech"})

    def _bare_end(self, i: int) -> DateSpan | None:
        """The second of "1 tarikh se 15 tak"."""
        day = self.small_number(i)
        if day is None or not 1 <= day <= 31 or self.cls[i + 1] != "UNTIL":
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
        if self.text[i] == "since" and (point := self.point(i + 1)):
            return self.span(i, point.last, point.start, self.today)
        return None

    def now(self, i: int) -> DateSpan | None:
        """The end of an open range: "aaj tak", "ab tak", "till date"."""
        if self.cls[i] in {"TODAY", "NOW"}:
            return self.span(i, i + 1, self.today)
        if self.cls[i] == "UNTIL" and self.text[i + 1] in {"now", "date"}:
            return self.span(i, i + 2, self.today)
        return None
