"""How fast one customer's messages are worked off: a bucket whose state lies with the conversation.

Nothing is dropped by it: a message beyond the bucket waits, and its own conversation with it. The state is
the theoretical arrival time (GCRA): when the bucket will be full again.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

BURST = 20
"""Messages at once before pacing begins: an album or a pasted list is no flood."""
NOTICE_ABOVE = 10
"""Waiting messages above which the person is told once that it takes a while."""


class Pace(NamedTuple):
    """What the bucket says of one message: wait so many seconds, and then what its state is."""

    wait: float
    tat: datetime
    emptied: bool
    """Whether the bucket is all but empty now: the person is faster than the pace for a while already."""


def pace(tat: datetime | None, now: datetime, per_second: int, messages: int = 1) -> Pace:
    """Takes `messages` (at least 1) out of the bucket.

    `tat` is the stored state, `None` for a full bucket. Returns the seconds to wait from `now` on, and the
    state to store once the messages are done. A step of more messages than a burst counts as one burst, so
    that no state is stored that lies further ahead. One that is twice as far was stored before the clock was
    set back; these messages then go at once, as the last of a burst.
    """
    interval = timedelta(seconds=1 / per_second)
    taken, full = interval * min(messages, BURST), interval * BURST
    begin = max(tat or now, now)
    if begin > now + full * 2:
        begin = now + full - taken
    after = begin + taken
    wait = (after - now - full).total_seconds()
    return Pace(max(0.0, wait), after, emptied=after - now > interval * (BURST - 1))


@dataclass(frozen=True, slots=True)
class DayCount:
    """Messages of one conversation on one day of the tenant."""

    day: date
    count: int


def count_day(day: date | None, count: int, now: datetime, zone: ZoneInfo, messages: int = 1) -> DayCount:
    """Counts `messages` on the tenant's day of `now` (aware); a new day begins at nought."""
    today = now.astimezone(zone).date()
    return DayCount(today, (count if day == today else 0) + messages)
