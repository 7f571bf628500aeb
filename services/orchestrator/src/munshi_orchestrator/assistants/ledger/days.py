"""Days: the tenant's own, and how people say them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from munshi_orchestrator.assistants.ledger.phrases import Phrase, Voice


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day of a moment where the tenant lives."""
    return at.astimezone(zone).date()


def period_of(text: str | None) -> tuple[date, date] | None:
    """An ISO day or interval `first/last` as two inclusive days; `None` where it is absent or unusable."""
    if not text:
        return None
    first_text, _, last_text = text.partition("/")
    try:
        first = date.fromisoformat(first_text)
        last = date.fromisoformat(last_text) if last_text else first
    except ValueError:
        return None
    return (first, last) if first <= last else (last, first)


def single_day_of(text: str | None) -> date | None:
    """An ISO day; `None` for an interval of several."""
    period = period_of(text)
    return period[0] if period and period[0] == period[1] else None


def show_day(day: date, today: date, voice: Voice) -> str:
    """`aaj`, `kal` (only ever the day before), `12 Nov`, `12 Nov 2025`."""
    if day == today:
        return voice.say(Phrase.TODAY)
    if day == today - timedelta(days=1):
        return voice.say(Phrase.YESTERDAY)
    return _plain(day, voice, with_year=day.year != today.year)


def _plain(day: date, voice: Voice, *, with_year: bool) -> str:
    month = voice.say(Phrase.MONTHS).split(" ")[day.month - 1]
    if with_year:
        return voice.say(Phrase.DAY_YEAR, day=day.day, month=month, year=day.year)
    return voice.say(Phrase.DAY, day=day.day, month=month)


def show_period(first: date, last: date, today: date, voice: Voice) -> str:
    """One day as above with its date (`aaj, 12 Nov`); several as `1 Nov se 15 Nov tak`."""
    if first != last:
        years = (first.year, last.year) != (today.year, today.year)
        return voice.say(
            Phrase.RANGE,
            first=_plain(first, voice, with_year=years),
            last=_plain(last, voice, with_year=years),
        )
    named = show_day(first, today, voice)
    plain = _plain(first, voice, with_year=first.year != today.year)
    return named if named == plain else f"{named[:1].upper()}{named[1:]}, {plain}"
