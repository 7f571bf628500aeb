"""Costs of language models: a budget holds for calls side by side, and nothing is counted twice."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from munshi.contracts.tenant import Retention
from munshi.db.model_calls import ModelCalls
from munshi.db.retention import purge

from .conftest import SHARMA, VERMA, Cells

CENT = Decimal("0.01")


def month() -> date:
    return datetime.now(UTC).date().replace(day=1)


@pytest.fixture
def calls(cells: Cells) -> ModelCalls:
    return ModelCalls(cells.pool)


async def test_what_a_call_came_to_takes_the_place_of_its_estimate(calls: ModelCalls) -> None:
    call = await calls.begin(SHARMA, "analyze", "small", Decimal("0.50"), Decimal(1))
    assert call is not None
    assert await calls.begin(SHARMA, "analyze", "small", Decimal("0.51"), Decimal(1)) is None
    await calls.end(SHARMA, call, 900, 100, Decimal("0.001234"), "done")
    await calls.end(SHARMA, call, 900, 100, Decimal("0.001234"), "done")
    assert await calls.used(SHARMA) == Decimal("0.001234")
    second = await calls.begin(SHARMA, "generate", "large", Decimal("0.51"), Decimal(1))
    assert second is not None
    costs = {cost.model: cost for cost in await calls.costs(SHARMA, month())}
    assert costs["small"].dollars == Decimal("0.001234")
    assert (costs["small"].calls, costs["small"].prompt_tokens, costs["small"].completion_tokens) == (
        1,
        900,
        100,
    )
    assert await calls.costs(VERMA, month()) == []


async def test_a_budget_holds_for_calls_side_by_side(calls: ModelCalls) -> None:
    begun = await asyncio.gather(
        *(calls.begin(SHARMA, "analyze", "small", CENT, 10 * CENT) for _ in range(40))
    )
    assert sum(call is not None for call in begun) == 10


async def test_what_a_dead_worker_put_aside_stays_so(calls: ModelCalls) -> None:
    assert await calls.begin(SHARMA, "analyze", "small", 6 * CENT, 10 * CENT) is not None
    assert await calls.begin(SHARMA, "analyze", "small", 6 * CENT, 10 * CENT) is None
    assert await calls.used(SHARMA) == 6 * CENT
    assert await calls.used(VERMA) == 0


async def test_without_a_budget_there_is_no_end(calls: ModelCalls) -> None:
    assert await calls.begin(SHARMA, "analyze", "small", Decimal(10_000), None) is not None


async def test_old_calls_go_and_their_sums_stay(
    calls: ModelCalls, cells: Cells, superuser: asyncpg.Connection
) -> None:
    call = await calls.begin(SHARMA, "analyze", "small", CENT, None)
    assert call is not None
    await calls.end(SHARMA, call, 1, 1, CENT, "done")
    await superuser.execute("UPDATE model_calls SET at = $1", datetime.now(UTC) - timedelta(days=400))
    gone = await purge(cells.pool, SHARMA, Retention())
    assert gone.model_calls == 1
    assert await superuser.fetchval("SELECT count(*) FROM model_calls") == 0
    assert await superuser.fetchval("SELECT dollars FROM model_spend") == CENT
