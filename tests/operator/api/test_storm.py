"""A thousand changes at once, and one more."""

from time import monotonic

from rig.operating import Stage, tenant


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
