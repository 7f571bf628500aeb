"""Days written on a document: 12/11/2026, 12-Nov-26, 2026-11-12, 12 नवंबर 2026. Pure. Day before month."""

import re
from dataclasses import dataclass
from datetime import date

from munshi_inference.documents.letters import plain

OLDEST_YEARS = 8
"""Older than that, a figure is something else."""

_MONTHS = (
    "jan january जनवरी जन ජනවාරි",
    "feb february फरवरी फ़रवरी फर පෙබරවාරි",
    "mar march मार्च මාර්තු",
    "apr april अप्रैल अप्रेल අප්‍රේල් අප්‍රියෙල්",
    "may मई මැයි",
    "jun june जून ජූනි",
    "jul july जुलाई ජූලි",
    "aug august अगस्त අගෝස්තු",
    "sep sept september सितंबर सितम्बर සැප්තැම්බර්",
    "oct 0ct october 0ctober अक्टूबर अक्तूबर ඔක්තෝබර්",
    "nov n0v november नवंबर नवम्बर නොවැම්බර්",
    "dec december दिसंबर दिसम्बर දෙසැම්බර්",
)
_MONTH = {plain(name): month for month, names in enumerate(_MONTHS, 1) for name in names.split()}
_NAMES = "|".join(sorted(map(re.escape, _MONTH), key=len, reverse=True))
_TIME = r"(?!\d(?!\d?:\d))"
"""No digit follows, but the time of day may, without a space."""
_SEPARATOR = r"\s?[-/.,|]\s?"
_SEPARATORS = r"\s?[-/.,|]{1,2}\s?"
"""Before a year of four digits: a second mark is dirt."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"(?<!\d)(20\d\d){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,2}}){_TIME}"), "ymd"),
    (re.compile(rf"(?<![\d.])(\d{{1,2}}){_SEPARATOR}(\d{{1,2}}){_SEPARATORS}(20\d\d){_TIME}"), "dmy"),
    (re.compile(rf"(?<![\d.])(\d{{1,2}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d\d)(?![\d/.])"), "dmy"),
    (
        re.compile(
            rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|-\d(?=-))?[\s./,-]{{0,3}}({_NAMES})(?:[\s./,'’-]{{0,3}}|\s[^\W\d_]{{1,2}})(20\d\d|\d\d){_TIME}",
            re.IGNORECASE,
        ),
        "dMy",
    ),
    (
        re.compile(
            rf"({_NAMES})[\s.]{{0,2}}(\d{{1,2}})(?:st|nd|rd|th)?[\s.,]{{1,3}}(20\d\d)(?!\d)", re.IGNORECASE
        ),
        "Mdy",
    ),
    (
        re.compile(rf"(?<!\d)(20\d\d)[\s.,-]{{0,3}}({_NAMES})[\s.,-]{{0,3}}(\d{{1,2}})(?!\d)", re.IGNORECASE),
        "yMd",
    ),
    (re.compile(r"(?<!\d)([0-3]\d)([/1])([01]\d)[/1](20[12]\d)(?!\d)"), "d?my"),
)


@dataclass(frozen=True, slots=True)
class Day:
    """A day found in a text, and where."""

    day: date
    start: int
    end: int
    swapped: bool = False
    """The month came first, for no other reading is a day."""


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _made(match: re.Match[str], order: str) -> Day | None:
    groups = match.groups()
    swapped = False
    if order == "ymd":
        year, month, day = int(groups[0]), int(groups[1]), int(groups[2])
    elif order == "dMy":
        year, month, day = _year(groups[2]), _MONTH[groups[1].casefold()], int(groups[0])
    elif order == "Mdy":
        year, month, day = _year(groups[2]), _MONTH[groups[0].casefold()], int(groups[1])
    elif order == "yMd":
        year, month, day = int(groups[0]), _MONTH[groups[1].casefold()], int(groups[2])
    elif order == "d?my":
        year, month, day = int(groups[3]), int(groups[2]), int(groups[0])
    else:
        year, month, day = _year(groups[2]), int(groups[1]), int(groups[0])
        if month > 12 >= day:
            day, month, swapped = month, day, True
    try:
        return Day(date(year, month, day), match.start(), match.end(), swapped)
    except ValueError:
        return None


def find(text: str, today: date) -> list[Day]:
    """Days of a row (a text that went through `amounts.clean`), left to right, each place once; none of more
    than `OLDEST_YEARS` before or a year after today."""
    found: list[Day] = []
    for pattern, order in _PATTERNS:
        for match in pattern.finditer(text):
            day = _made(match, order)
            if day is None or any(d.start < day.end and day.start < d.end for d in found):
                continue
            if -366 < (today - day.day).days < OLDEST_YEARS * 366:
                found.append(day)
    return sorted(found, key=lambda d: d.start)
