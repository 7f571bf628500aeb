"""A thousand changes at once, and one more."""

import asyncio
from itertools import pairwise
from time import monotonic

from rig.operating import Stage, key_of, tenant


async def test_a_storm_holds_no_single_change_up(stage: Stage) -> None:
    shops = [f"shop-{number}" for number in range(1000)]
    async with stage.operator() as parts:
        stage.create("single", isolation="Pooled")
        for name in shops:
            stage.create(name, isolation="Pooled")
        await stage.until_ready(shops, seconds=60)
        await stage.rest(parts, 30)
        waits: list[float] = []
        parts.engine.timed = lambda _: waits.append(parts.engine.queue.oldest)
        for name in shops:
            stage.api.put(tenant(name, isolation="Pooled", displayName="New"))
        begun = monotonic()
        stage.api.put(tenant("single", isolation="Pooled", displayName="New"))
        await stage.until(lambda: stage.status("single")["observedGeneration"] == 2, seconds=30)
        assert monotonic() - begun < 10
        await stage.until_ready(shops, seconds=60)
        assert max(waits) < 10


async def test_many_passes_at_rest_give_way_to_everything_else(stage: Stage) -> None:
    async with stage.operator(parallel=4) as parts:
        names = [f"shop-{number}" for number in range(50)]
        for name in names:
            stage.create(name, isolation="Pooled")
        await stage.until_ready(names)
        await stage.rest(parts)
        begun = parts.engine.queue.finished
        for name in names:
            parts.engine.queue.add(key_of(name))
        seen = []
        while parts.engine.queue.depth or parts.engine.queue.working:
            seen.append(parts.engine.queue.finished - begun)
            await asyncio.sleep(0)
        steps = [after - before for before, after in pairwise(seen)]
        assert max(steps) <= 8
