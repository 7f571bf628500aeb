"""Single days: aaj, kal, somvar, 3 din pehle, 12 tarikh, 5 nov, 12/11/2026.

"kal" and "parso" are yesterday's side unless the verb says otherwise.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from munshi_inference.language import calendar_words as words
from munshi_inference.language import date_arithmetic as arithmetic
from munshi_inference.language.date_arithmetic import DAY
from munshi_inference.language.date_words import DateSpan, DateWords
from munshi_inference.language.tokens import Token

MAXDAYS_BACK = 3660
"""Ten years: a larger count of days back is no date a shopkeeper means."""


class Days(DateWords):
    """Each phrasing of a day, tried at one token."""

    def __init__(self, tokens: Sequence[Token], today: date) -> None:
        super().__init__(tokens, today)
        self.future = not words.DAYS_AWAY.keys().isdisjoint(self.cls) and _speaks_of_future(tokens)
        self._points: dict[int, DateSpan | None] = {}

    def point(self, i: int) -> DateSpan | None:
        """The longest single day at token `i`; asked for more than once."""
        if i not in self._points:
            rules = (
                self.relative_day, self.weekday, self.ago, self.numeric, self.calendar_day, self.day_of_month,
            )  # fmt: skip
            self._points[i] = self.longest_of(rules, i)
        return self._points[i]

    def longest_of(self, rules: Sequence[Callable[[int], DateSpan | None]], i: int) -> DateSpan | None:
        """The longest of what some phrasings find at token `i`, the first of several such."""
        best: DateSpan | None = None
        if i < len(self.tokens):
            for rule in rules:
                found = rule(i)
                if found and (best is None or found.last > best.last):
                    best = found
        return best

    def relative_day(self, i: int) -> DateSpan | None:
        """ "aaj", "kal", "day before yesterday"."""
        kind = self.cls[i]
        if kind == "KAL" and self.cls[i - 1] == "LAST":
            return self.span(i, i + 1, self.today - DAY)
        if kind in words.DAYS_AWAY:
            sign = 1 if self.future else -1
            return self.span(i, i + 1, self.today + sign * words.DAYS_AWAY[kind] * DAY)
        if kind in words.DAYS_FIXED:
            return self.span(i, i + 1, self.today + words.DAYS_FIXED[kind] * DAY)
        if self.text[i] == "day" and self.text[i + 1] in {"before", "after"}:
            side = words.DAYS_FIXED.get(self.cls[i + 2] or "")
            return self.span(i, i + 3, self.today + 2 * side * DAY) if side else None
        return None

    def weekday(self, i: int) -> DateSpan | None:
        """ "somvar", "last friday", "agle budhvar"."""
        last = self.cls[i] in {"LAST", "THIS", "NEXT"}
        at = i + 1 if last else i
        day = words.WEEKDAYS.get(self.text[at])
        if day is None:
            return None
        back = (self.today.weekday() - day) % 7
        if self.cls[i] == "NEXT":
            return self.span(i, at + 1, self.today + timedelta(days=7 - back))
        if self.cls[i] == "LAST" and back == 0:
            back = 7
        return self.span(i, at + 1, self.today - timedelta(days=back))

    def ago(self, i: int) -> DateSpan | None:
        """ "3 din pehle", "a week ago", "do hafte pehle"."""
        article = self.text[i] in {"a", "an"}
        count = 1 if article else self.small_number(i)
        at = i + 1
        if count is None and self.cls[i] in {"DAYS", "WEEK", "MONTH"}:
            count, at = 1, i
        days = words.DAYS_OF.get(self.cls[at] or "")
        if count is None or days is None or self.cls[at + 1] != "AGO" or count * days > MAXDAYS_BACK:
            return None
        if self.cls[at] == "MONTH":
            return self.span(i, at + 2, arithmetic.months_back(self.today, count))
        return self.span(i, at + 2, self.today - timedelta(days=count * days))

    def day_of_month(self, i: int) -> DateSpan | None:
        """ "12 tarikh", "12th", "on the 5th"; the latest such day that is not ahead."""
        day = self.small_number(i)
        ordinal = self.text[i + 1] in words.ORDINAL_ENDINGS and self.glued(i + 1)
        after = i + 2 if ordinal else i + 1
        tarikh = self.cls[after] == "TARIKH"
        if day is None or not 1 <= day <= 31 or not (tarikh or ordinal):
            if self.cls[i] == "TARIKH" and (day := self.small_number(i + 1)) and 1 <= day <= 31:
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
        month = words.MONTHS.get(self.text[i])
        if month and (day := self.small_number(i + 1)) and day <= 31 and self.text[i + 1].isdecimal():
            ordinal = self.text[i + 2] in words.ORDINAL_ENDINGS
            following = i + 2 + ordinal
            return day, month, following + (self.text[following] == ",")
        day_ = self.small_number(i)
        if day_ is None or not 1 <= day_ <= 31:
            return None
        at = i + 1
        while self.text[at] in {*words.ORDINAL_ENDINGS, "of", "-", "tarikh"} and at < i + 4:
            at += 1
        month = words.MONTHS.get(self.text[at])
        if month is None or (
            self.text[at] in words.DOUBTFUL_MONTHS and self.text[i + 1] not in words.ORDINAL_ENDINGS
        ):
            return None
        at += 1 + (self.text[at + 1] in {",", "-"} and (self.small_number(at + 2) or 0) >= 2000)
        return day_, month, at

    def numeric(self, i: int) -> DateSpan | None:
        """ "12/11/2026", "12-11-26", "2026-11-12", "12/11", "12.11.2026" (day first, as written in India)."""
        parts: list[int] = []
        separators: list[str] = []
        at = i
        dotted = self.text[i].split(".")
        if self.tokens[i].kind == "number" and len(dotted) == 2 and self.text[i + 1] == ".":
            parts, separators, at = [int(p or 0) for p in dotted], [".", "."], i + 2
            if not self.is_number(at):
                return None
            parts.append(int(self.text[at]))
            return self._from_parts(i, at + 1, parts)
        while self.is_number(at):
            parts.append(int(self.text[at]))
            at += 1
            if len(parts) == 3 or not self.glued(at) or self.text[at] not in {"/", "-"}:
                break
            separators.append(self.text[at])
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


def _speaks_of_future(tokens: Sequence[Token]) -> bool:
    """Whether the verbs put "kal" on tomorrow's side: dega, denge, dena hai, kal tak, कल देगा."""
    return any(
        token.text in words.FUTURE_WORDS
        or (
            token.is_word
            and len(token.text) > 3
            and token.key.endswith(words.FUTURE_ENDINGS)
            and token.key not in words.NOT_FUTURE
        )
        for token in tokens
    )
