"""The pair limit in the database against a count of what was let through."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import SHARMA, Cells
from .scenes import talk

Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy

START = datetime(2030, 1, 1, tzinfo=UTC)


async def ask(
    connection: Connection, conversation: int, rule: dict[str, int], at: datetime
) -> datetime | None:
    """One slot at this time: `None`, or when the next is free."""
    free: datetime | None = await connection.fetchval(
        "SELECT take_pair($1, $2, $3, $4)", SHARMA, conversation, rule, at
    )
    return free


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.integers(0, 40), min_size=1, max_size=40),
    interval=st.integers(1, 10),
    burst=st.integers(1, 8),
)
async def test_no_stretch_of_time_sees_more_than_the_limit_and_no_slot_is_wasted(
    cells: Cells, gaps: list[int], interval: int, burst: int
) -> None:
    one = await talk(cells.pool, SHARMA)
    done = await one.queue("a")
    rule = {"pair_interval": interval, "pair_burst": burst}
    let_through: list[datetime] = []
    async with cells.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('munshi.tenant', $1, true)", SHARMA)
        await connection.execute(
            "UPDATE conversations SET pair_tat = NULL WHERE id = $1", done.conversation_id
        )
        at = START
        for gap in gaps:
            at += timedelta(seconds=gap)
            free = await ask(connection, done.conversation_id, rule, at)
            if free is None:
                let_through.append(at)
                continue
            assert free > at
            early = free - timedelta(microseconds=1)
            assert await ask(connection, done.conversation_id, rule, early) == free, "told the same again"
            assert await ask(connection, done.conversation_id, rule, free) is None, "free when it was said"
            let_through.append(free)
            at = free
    for first, begun in enumerate(let_through):
        for count, ended in enumerate(let_through[first:], 1):
            # a burst, and one more for each whole interval since
            assert count <= burst + (ended - begun).total_seconds() // interval
