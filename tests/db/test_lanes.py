"""A lane has one owner at a time, and whoever takes over does so for good."""

import asyncio

import asyncpg

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi.db.lanes import HeldBy, LaneLease, Lanes, PendingConversation, Taken

from .conftest import APART, SHARMA, VERMA, Cells
from .scenes import Talk, identity, take, talk


async def test_a_free_lane_is_taken_by_one(cells: Cells) -> None:
    workers = [Lanes(cells.pool, POOL, f"w{number}") for number in range(8)]
    await asyncio.gather(*(worker.heartbeat(60) for worker in workers))
    done = await asyncio.gather(*(worker.take(3) for worker in workers))
    assert sum(isinstance(one, Taken) for one in done) == 1
    assert sum(isinstance(one, HeldBy) for one in done) == 7


async def test_a_lane_of_the_living_is_left_alone_and_of_the_dead_is_free(cells: Cells) -> None:
    first, second = Lanes(cells.pool, POOL, "w1"), Lanes(cells.pool, POOL, "w2")
    await first.heartbeat(60)
    await second.heartbeat(60)
    held = await first.take(0)
    assert isinstance(held, Taken)
    assert held.clean
    assert await second.take(0) == HeldBy("w1")
    await first.heartbeat(-1)
    survey = await second.heartbeat(60)
    assert survey.workers == ("w2",)
    assert survey.lanes == (LaneLease(held.lane, 0, "w1", held.fence, free=True),)
    taken = await second.take(0)
    assert taken == Taken(held.lane, held.fence + 1, clean=False)
    assert await second.take(1) != HeldBy("w1")


async def test_a_worker_that_comes_back_under_its_name_takes_its_lane_at_once(cells: Cells) -> None:
    held = await take(cells.pool)
    again = await take(cells.pool)
    assert again == Taken(held.lane, held.fence + 1, clean=False)


async def test_a_lane_given_back_is_free_at_once_and_clean(cells: Cells) -> None:
    held = await take(cells.pool, worker="w1")
    first, second = Lanes(cells.pool, POOL, "w1"), Lanes(cells.pool, POOL, "w2")
    assert await first.release(held.lane, held.fence, clean=True)
    assert not await first.release(held.lane, held.fence, clean=True), "no longer its own"
    survey = await second.heartbeat(60)
    assert [lane.free for lane in survey.lanes] == [True]
    taken = await second.take(0)
    assert isinstance(taken, Taken)
    assert taken.clean
    assert taken.fence > held.fence


async def test_a_worker_that_left_is_not_alive(cells: Cells) -> None:
    first, second = Lanes(cells.pool, POOL, "w1"), Lanes(cells.pool, POOL, "w2")
    await first.heartbeat(60)
    await first.leave()
    assert (await second.heartbeat(60)).workers == ("w2",)


async def test_cells_know_nothing_of_each_other(cells: Cells) -> None:
    await take(cells.pool, worker="w1")
    apart = Lanes(cells.apart, CellName(APART), "w1")
    survey = await apart.heartbeat(60)
    assert (survey.workers, survey.lanes) == (("w1",), ())
    assert isinstance(await apart.take(0), Taken)


async def test_taking_over_finds_the_work_of_all_tenants_in_the_lane_only(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, VERMA, one.lane, one.fence)
    done = Talk(cells.pool, SHARMA, one.lane, one.fence, who=(identity("done"),))
    elsewhere = await take(cells.pool, partition=1)
    far = Talk(cells.pool, SHARMA, elsewhere.lane, elsewhere.fence, who=(identity("far"),))
    for each in (one, other, done, far):
        await each.queue("a", "b")
    assert done.last is not None
    await admin.execute(
        "UPDATE outbox SET state = 'sent' WHERE conversation_id = $1", done.last.conversation_id
    )
    fence = (await take(cells.pool)).fence
    found = await Lanes(cells.pool, POOL, "w1").pending(one.lane, fence)
    assert isinstance(found, tuple)
    assert one.last is not None
    assert other.last is not None
    assert set(found) == {
        PendingConversation(SHARMA, one.last.conversation_id),
        PendingConversation(VERMA, other.last.conversation_id),
    }
