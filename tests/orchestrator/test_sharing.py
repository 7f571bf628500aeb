"""Who should own which lanes: arithmetic that all workers must agree on."""

from hypothesis import given
from hypothesis import strategies as st

from munshi.contracts.ids import LaneID
from munshi_orchestrator.sharing import LaneView, fair_share, to_release, to_take

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=9, unique=True)


def view(partition: int, free: bool = True) -> LaneView:
    return LaneView(LaneID(f"pool/{partition:03d}"), partition, free)


@given(lanes=st.integers(1, 200), workers=NAMES)
def test_shares_add_up_and_differ_by_one_at_most(lanes: int, workers: list[str]) -> None:
    shares = [fair_share(lanes, workers, me) for me in workers]
    assert sum(shares) == lanes
    assert max(shares) - min(shares) <= 1


def test_a_worker_not_yet_seen_counts_itself() -> None:
    assert fair_share(16, ["a"], "b") == 8


def test_takes_only_free_lanes_and_only_up_to_the_share() -> None:
    views = [view(0, free=False), view(1), view(2), view(3)]
    assert [lane.partition for lane in to_take(views, held=1, share=3)] == [1, 2]
    assert to_take(views, held=3, share=3) == []
    assert to_take(views, held=4, share=3) == []


def test_hands_over_what_is_above_the_share_and_keeps_the_rest() -> None:
    assert to_release([4, 1, 9, 7], share=2) == [7, 9]
    assert to_release([4, 1], share=2) == []


@given(workers=NAMES, lanes=st.integers(1, 40))
def test_rounds_of_sharing_end_with_every_lane_owned_by_its_fair_share(
    workers: list[str], lanes: int
) -> None:
    owner: dict[int, str | None] = dict.fromkeys(range(lanes), workers[0])
    for _ in range(3):
        for me in workers:
            share = fair_share(lanes, workers, me)
            held = [partition for partition, name in owner.items() if name == me]
            for partition in to_release(held, share):
                owner[partition] = None
            views = [view(partition, free=name is None) for partition, name in owner.items()]
            for taken in to_take(views, len([n for n in owner.values() if n == me]), share):
                owner[taken.partition] = me
    counts = {me: sum(name == me for name in owner.values()) for me in workers}
    assert None not in owner.values()
    assert counts == {me: fair_share(lanes, workers, me) for me in workers}
