"""How fast one customer's messages are worked off."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from munshi_orchestrator.pacing import BURST, count_day, pace

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_burst_goes_through_and_what_comes_after_waits_its_turn() -> None:
    tat, waits = None, []
    for _ in range(BURST + 3):
        paced = pace(tat, NOW, per_second=1)
        tat = paced.tat
        waits.append(paced.wait)
    assert waits[:BURST] == [0.0] * BURST
    assert waits[BURST:] == pytest.approx([1.0, 2.0, 3.0])


def test_the_bucket_fills_again_while_nothing_comes() -> None:
    tat = None
    for _ in range(BURST):
        tat = pace(tat, NOW, per_second=1).tat
    later = NOW + timedelta(seconds=5)
    for _ in range(5):
        paced = pace(tat, later, per_second=1)
        assert paced.wait == 0.0
        tat = paced.tat
    assert pace(tat, later, per_second=1).wait == pytest.approx(1.0)


def test_a_higher_rate_waits_less() -> None:
    tat = NOW + timedelta(seconds=BURST / 10)
    assert pace(tat, NOW, per_second=10).wait == pytest.approx(0.1)


def test_a_step_of_more_messages_than_the_bucket_holds_is_not_held_for_ever() -> None:
    assert pace(None, NOW, per_second=1, messages=BURST * 2).wait == 0.0


@pytest.mark.parametrize("messages", [1, BURST, BURST * 3])
def test_what_was_stored_before_the_clock_was_set_back_holds_nothing_up(messages: int) -> None:
    paced = pace(NOW + timedelta(hours=2), NOW, per_second=1, messages=messages)
    assert paced.wait == 0.0
    assert paced.emptied
    assert paced.tat == NOW + timedelta(seconds=BURST), "as after a burst"


def test_no_state_is_stored_further_ahead_than_a_burst() -> None:
    tat, now = None, NOW
    for _ in range(BURST * 3):
        paced = pace(tat, now, per_second=1, messages=3)
        now += timedelta(seconds=paced.wait)
        tat = paced.tat
        assert tat <= now + timedelta(seconds=BURST)


@pytest.mark.parametrize(
    ("day", "count", "now", "expected"),
    [
        (None, 0, NOW, (date(2026, 11, 21), 1)),
        (date(2026, 11, 21), 7, NOW, (date(2026, 11, 21), 8)),
        # 19:00 UTC is half past midnight in Kolkata: a new day
        (date(2026, 11, 21), 7, NOW.replace(hour=19), (date(2026, 11, 22), 1)),
    ],
)
def test_days_are_the_tenants(
    day: date | None, count: int, now: datetime, expected: tuple[date, int]
) -> None:
    counted = count_day(day, count, now, ZoneInfo("Asia/Kolkata"))
    assert (counted.day, counted.count) == expected
