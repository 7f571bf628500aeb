"""The pace of a new version, as a machine of its own."""

from hypothesis import given
from hypothesis import strategies as st

from munshi.contracts.ids import TenantKey
from munshi_operator.rollout import Rollout


def key(number: int) -> TenantKey:
    return TenantKey(f"shops_{number}")


def opened(at_once: int = 2) -> Rollout:
    rollout = Rollout(at_once, 60.0)
    rollout.open()
    return rollout


def test_nobody_is_rolled_before_all_were_looked_at() -> None:
    rollout = Rollout(2, 60.0)
    assert not rollout.begin(key(1))
    assert rollout.open() == [key(1)]
    assert rollout.begin(key(1))


def test_who_waits_is_called_when_there_is_room() -> None:
    rollout = opened()
    assert [rollout.begin(key(n)) for n in range(4)] == [True, True, False, False]
    assert rollout.note(key(0), settled=False) == []
    assert rollout.note(key(0), settled=True) == [key(2)]
    assert rollout.begin(key(2))
    assert not rollout.begin(key(3))


def test_a_stuck_one_stops_it_until_it_heals_or_goes() -> None:
    rollout = opened()
    rollout.begin(key(0))
    rollout.note(key(0), settled=False, stuck=True)
    assert rollout.failed == [key(0)]
    assert not rollout.begin(key(1))
    assert rollout.forget(key(0)) == [key(1)]


def test_a_late_one_counts_as_failed() -> None:
    now = [0.0]
    rollout = Rollout(2, 60.0, lambda: now[0])
    rollout.open()
    rollout.begin(key(0))
    now[0] = 61.0
    assert rollout.failed == [key(0)]
    assert rollout.note(key(0), settled=True) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["begin", "settle", "stick", "forget"]))))
def test_never_more_than_so_many_by_permit_and_none_past_a_failure(steps: list[tuple[int, str]]) -> None:
    rollout = opened(2)
    for number, step in steps:
        if step == "begin":
            before, failed = rollout.rolling, bool(rollout.failed)
            known = key(number) in rollout._rolling
            allowed = rollout.begin(key(number))
            assert known or not allowed or (before < 2 and not failed)
        elif step == "forget":
            rollout.forget(key(number))
        elif key(number) in rollout._rolling:
            rollout.note(key(number), settled=step == "settle", stuck=step == "stick")
