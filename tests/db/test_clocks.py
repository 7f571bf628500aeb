"""What was noted before the server's clock was set back holds nothing up.

Instead of the clock, all that was noted is moved forwards, which is the same to who looks at it.
"""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from munshi.contracts.tenant import POOL
from munshi.db.lanes import HeldBy, Lanes, Taken
from munshi.db.models import Base
from munshi.db.outbox import ClaimRules, Outbox
from munshi.db.turns import PairLimit

from .conftest import SHARMA, Cells, Database
from .scenes import NUMBER, now, talk
from .test_outbox import claimed, settle, waits

BACK = timedelta(hours=2)
TIMES = {
    "workers": ("expires_at",),
    "numbers": ("tat", "reserved_at", "paused_at", "paused_until", "resumed_at"),
    "conversations": ("pair_tat", "throttle_tat", "window_expires_at", "last_message_at"),
    "outbox": ("next_attempt_at", "created_at", "sending_at", "unsettled_at"),
}


async def set_back(db: Database, by: timedelta = BACK) -> None:
    """The server's clock, for all that is there; by less than nothing it goes on."""
    superuser = await asyncpg.connect(db.superuser_url)
    for table, columns in TIMES.items():
        moved = ", ".join(f"{column} = {column} + $1::interval" for column in columns)
        await superuser.execute(f"UPDATE {table} SET {moved}", by)
    await superuser.close()


def test_every_time_that_holds_something_up_is_moved() -> None:
    ahead = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith(("_tat", "_until")) or column.name in ("tat", "expires_at", "next_attempt_at")
    }
    assert ahead <= {(table, column) for table, columns in TIMES.items() for column in columns}


async def test_the_lanes_of_a_worker_that_dies_are_free_after_its_lease(db: Database, cells: Cells) -> None:
    first, second = Lanes(cells.pool, POOL, "w1"), Lanes(cells.pool, POOL, "w2")
    await first.heartbeat(60)
    assert isinstance(await first.take(0), Taken)
    await set_back(db)
    await second.heartbeat(60)
    assert await second.take(0) == HeldBy("w1"), "its lease counts from now"
    await set_back(db, timedelta(seconds=-61))  # a minute passes
    assert [lane.free for lane in (await second.heartbeat(60)).lanes] == [True]
    assert isinstance(await second.take(0), Taken)


async def test_workers_that_beat_at_once_do_not_wait_for_each_other(db: Database, cells: Cells) -> None:
    workers = [Lanes(cells.pool, POOL, f"w{number}") for number in range(8)]
    for _ in range(10):
        await set_back(db)
        await asyncio.gather(*(worker.heartbeat(60) for worker in workers))
    assert len((await workers[0].heartbeat(60)).workers) == len(workers)


@pytest.mark.parametrize("by", [timedelta(seconds=20), BACK])
async def test_a_number_goes_on_as_if_its_clock_had_not_moved(
    db: Database, cells: Cells, by: timedelta
) -> None:
    outbox = Outbox(cells.pool)
    await outbox.reserve_number(SHARMA, NUMBER, 800, 80.0)
    await set_back(db, by)
    assert (await outbox.reserve_number(SHARMA, NUMBER, 1, 80.0)).seconds == pytest.approx(10, abs=2)
    assert (await outbox.reserve_number(SHARMA, NUMBER, 1, 80.0)).seconds == pytest.approx(10, abs=2)


async def test_a_pair_owes_a_burst_at_most_and_pays_it_off(db: Database, cells: Cells) -> None:
    rules = ClaimRules(PairLimit(interval_seconds=600, burst=3))
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    await settle(one, await claimed(one, rules), "sent")
    await set_back(db)
    held = await waits(one, rules)
    assert held.reason == "pair"
    assert held.seconds == pytest.approx(600, abs=5)
    assert (await waits(one, rules)).until == held.until, "it comes nearer"


async def test_a_back_off_is_as_long_as_it_was(db: Database, cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    await settle(one, await claimed(one), "retry", retry_in=600.0)
    await set_back(db)
    held = await waits(one)
    assert held.reason == "back_off"
    assert held.seconds == pytest.approx(600, abs=5)
    assert (await waits(one)).until == held.until


async def test_a_lost_answer_is_waited_for_from_now_on(db: Database, cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    rules = ClaimRules(settle_after_seconds=300)
    await settle(one, await claimed(one, rules), "unsettled")
    await set_back(db)
    held = await waits(one, rules)
    assert held.reason == "unsettled"
    assert held.seconds == pytest.approx(300, abs=5)
    assert (await waits(one, rules)).until == held.until


async def test_a_pause_that_ends_by_itself_is_tried_again_and_may_be_made_again(
    db: Database, cells: Cells
) -> None:
    outbox = Outbox(cells.pool)
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    await outbox.pause_number(SHARMA, NUMBER, "account", now() + timedelta(hours=1))
    await set_back(db)
    row = await claimed(one)
    await outbox.pause_number(SHARMA, NUMBER, "account", now() + timedelta(hours=1))
    await settle(one, row, "retry", retry_in=0.0)
    assert (await waits(one)).reason == "paused"


async def test_a_pause_without_an_end_stays(db: Database, cells: Cells) -> None:
    outbox = Outbox(cells.pool)
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    await outbox.pause_number(SHARMA, NUMBER, "credentials")
    await set_back(db)
    assert (await waits(one)).reason == "paused"
    assert await outbox.resume_numbers(SHARMA, reason="credentials") == [NUMBER]
    await set_back(db)
    await outbox.pause_number(SHARMA, NUMBER, "credentials", since=now())
    assert (await waits(one)).reason == "paused", "the resumption was before"
