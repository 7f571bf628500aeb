"""A thousand changes at once, and one more."""

import asyncio
from itertools import pairwise

from munshi_operator.kinds import TENANT, Ref
from rig.operating import Stage, key_of, secret, tenant


async def test_a_storm_holds_no_single_change_up(stage: Stage) -> None:
    shops = [f"shop-{number}" for number in range(1000)]
    elsewhere = Ref(TENANT, "other", "single")

    def put_single(name: str) -> None:
        for manifest in (secret("single"), tenant("single", isolation="Pooled", displayName=name)):
            manifest["metadata"]["namespace"] = elsewhere.namespace
            stage.api.put(manifest)

    def seen(generation: int) -> bool:
        status = (stage.api.peek(elsewhere) or {}).get("status") or {}
        return status.get("observedGeneration") == generation

    async with stage.operator() as parts:
        put_single("Single")
        await stage.until(lambda: seen(1))
        for name in shops:
            stage.create(name, isolation="Pooled")
        await stage.until_ready(shops, seconds=200)
        await stage.rest(parts)
        waits: list[float] = []
        parts.engine.timed = waits.append
        for name in shops:
            stage.api.put(tenant(name, isolation="Pooled", displayName="New"))
        put_single("New")
        passes = len(waits)
        await stage.until(lambda: seen(2))
        assert len(waits) - passes < 100  # not behind the thousand
        await stage.until_ready(shops, seconds=200)


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
