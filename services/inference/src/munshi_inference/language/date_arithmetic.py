"""Days, months and periods counted from a day."""

from datetime import date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def build(year: int, month: int, day: int) -> date | None:
    """The day, or None where the calendar has none."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def month_end(first: date) -> date:
    """The last day of a month."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY


def months_back(day: date, count: int) -> date:
    """The same day so many months before, or the last of a shorter month."""
    months = day.year * 12 + day.month - 1 - count
    first = date(months // 12, months % 12 + 1, 1)
    return first.replace(day=min(day.day, month_end(first).day))


def year_before(day: date) -> date:
    """The same day of the year before."""
    return months_back(day, 12)


def latest_day(today: date, day: int) -> date | None:
    """The latest day of a month with this number that is not after today."""
    for back in range(3):
        month = months_back(today.replace(day=1), back)
        found = build(month.year, month.month, day)
        if found and found <= today:
            return found
    return None


def day_before(end: date, day: int) -> date | None:
    """The day of the month `day` on or before `end`: "1" of "1 se 15 tarikh"."""
    return latest_day(end, day)


def latest_of_month(today: date, day: int, month: int) -> date | None:
    """The latest such day of the year that is not after today."""
    if not 1 <= month <= 12:
        return None
    for year in (today.year, today.year - 1, today.year - 2, today.year - 3, today.year - 4):
        found = build(year, month, day)
        if found and found <= today:
            return found
    return None


def period_of(today: date, unit: str, offset: int) -> tuple[date, date]:
    """A week, month, quarter or year: the running one up to today (offset 0) or the whole one before (-1)."""
    if unit == "WEEK":
        start = today - timedelta(days=today.weekday())
        return (start, today) if offset == 0 else (start - 7 * DAY, start - DAY)
    if unit == "MONTH":
        start = today.replace(day=1)
        return (start, today) if offset == 0 else (months_back(start, 1), start - DAY)
    if unit == "QUARTER":
        start = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        return (start, today) if offset == 0 else (months_back(start, 3), start - DAY)
    start = today.replace(month=1, day=1)
    return (start, today) if offset == 0 else (start.replace(year=start.year - 1), start - DAY)
