"""The queue: one pass a key at a time, none lost, none starved, failures spaced out."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_operator.queue import Backoff, Lane, Queue


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Queue[str]:
    return Queue(Backoff(1.0, 60.0), clock)


async def taken(queue: Queue[str]) -> str | None:
    """The next key, or nothing if none is ready."""
    if not queue.depth and not queue.pending_soon(0):
        return None
    return await asyncio.wait_for(queue.take(), 60)


async def test_a_key_is_there_once(queue: Queue[str]) -> None:
    for _ in range(3):
        queue.add("a")
    assert queue.depth == 1
    assert await taken(queue) == "a"
    assert await taken(queue) is None


async def test_what_happens_to_a_key_in_work_brings_it_back_when_it_is_done(queue: Queue[str]) -> None:
    queue.add("a")
    await taken(queue)
    queue.add("a")
    queue.add("a")
    assert await taken(queue) is None
    queue.done("a")
    assert await taken(queue) == "a"
    queue.done("a")
    assert await taken(queue) is None


async def test_a_change_wakes_whoever_waits(queue: Queue[str]) -> None:
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(waiting, 60) == "a"


async def test_failures_in_a_row_are_spaced_out_and_a_change_ends_the_wait(
    queue: Queue[str], clock: Clock
) -> None:
    queue.add("a")
    waits = []
    for _ in range(9):
        await taken(queue)
        waits.append(queue.failed("a"))
        assert await taken(queue) is None
        clock.now += waits[-1]
    for number, wait in enumerate(waits):
        whole = min(60.0, 2.0**number)
        assert whole / 2 <= wait <= whole
    await taken(queue)
    queue.failed("a")
    queue.add("a")
    assert await taken(queue) == "a"
    assert queue.failed("a") <= 1.0


async def test_a_server_that_names_a_wait_is_given_it(queue: Queue[str]) -> None:
    queue.add("a")
    await taken(queue)
    assert queue.failed("a", 30.0) == 30.0


async def test_of_two_times_the_earlier_counts(queue: Queue[str], clock: Clock) -> None:
    queue.add("a", Lane.ROUTINE, 10)
    queue.add("a", Lane.ROUTINE, 5)
    queue.add("a", Lane.ROUTINE, 20)
    clock.now += 5
    assert await taken(queue) == "a"
    queue.done("a")
    clock.now += 100
    assert await taken(queue) is None


async def test_a_storm_in_one_lane_holds_no_other_up(queue: Queue[str]) -> None:
    for number in range(1000):
        queue.add(f"storm-{number}", Lane.CHANGE)
    queue.add("child", Lane.CHILD)
    queue.add("routine", Lane.ROUTINE)
    seen = []
    for _ in range(20):
        key = await taken(queue)
        assert key is not None
        queue.done(key)
        seen.append(key)
    assert "child" in seen
    assert "routine" in seen


async def test_a_key_that_changes_all_the_time_goes_to_the_end(queue: Queue[str]) -> None:
    queue.add("busy")
    queue.add("calm")
    assert await taken(queue) == "busy"
    queue.add("busy")
    queue.done("busy")
    assert await taken(queue) == "calm"


async def test_progress_is_silent_only_while_there_is_work(queue: Queue[str], clock: Clock) -> None:
    clock.now += 1000
    assert queue.silent == 0
    queue.add("a")
    clock.now += 7
    assert queue.silent == 7
    assert queue.oldest == 7
    await taken(queue)
    clock.now += 5
    assert queue.silent == 12
    queue.done("a")
    assert queue.silent == 0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "child", "later", "work", "fail"])))
)
def test_no_change_is_ever_lost(steps: list[tuple[str, str]]) -> None:
    """After the last change of a key there is always a pass that begins later."""

    async def run() -> None:
        clock = Clock()
        queue: Queue[str] = Queue(Backoff(1.0, 4.0), clock)
        owed: set[str] = set()
        for key, step in steps:
            if step in ("add", "child", "later"):
                lane = Lane.CHANGE if step == "add" else Lane.CHILD
                queue.add(key, lane, 1.0 if step == "later" else 0.0)
                owed.add(key)
                continue
            found = await taken(queue)
            if found is not None:
                owed.discard(found)
                if step == "fail":
                    queue.failed(found)
                    owed.add(found)
                else:
                    queue.done(found)
        for _ in range(20):
            clock.now += 10
            while (found := await taken(queue)) is not None:
                owed.discard(found)
                queue.done(found)
        assert not owed

    asyncio.run(run())


async def test_one_group_s_storm_holds_no_other_group_up(clock: Clock) -> None:
    queue: Queue[str] = Queue(Backoff(1.0, 60.0), clock, group=lambda key: key.partition("_")[0])
    for number in range(1000):
        queue.add(f"busy_{number}")
    for key in ("calm_a", "calm_b", "other_a"):
        queue.add(key)
    first = [await taken(queue) for _ in range(6)]
    assert first == ["busy_0", "calm_a", "other_a", "busy_1", "calm_b", "busy_2"]
    queue.forget("busy_3")
    clock.now += 5
    assert queue.oldest == 5
    assert queue.depth == 996
    rest = [await taken(queue) for _ in range(996)]
    assert rest == [f"busy_{number}" for number in range(4, 1000)]
    assert await taken(queue) is None
