"""Two operators on one cluster: one leads and writes, the other waits."""

import asyncio
from contextlib import AsyncExitStack

from munshi.errors import MunshiError, Retryable
from munshi_operator.kinds import LEASE, Ref
from munshi_operator.leader import NAME, Leader
from munshi_operator.types import Manifest
from rig.kube import MemoryApi, MemoryCluster
from rig.operating import Stage, until
from rig.waiting import PATIENCE_SECONDS

LEASE_REF = Ref(LEASE, "munshi", NAME)


def replica(api: MemoryApi, identity: str, seconds: float = 0.3) -> Leader:
    return Leader(MemoryCluster(api), "munshi", identity, seconds)


async def test_one_leads_and_the_other_takes_over_when_it_falls_silent() -> None:
    api = MemoryApi()
    # Long enough that the first does not fall silent by itself, should the machine stand still for a moment.
    first, second = replica(api, "a", 6.0), replica(api, "b", 6.0)
    one = asyncio.create_task(first.run())
    await until(lambda: first.leads)
    two = asyncio.create_task(second.run())
    for _ in range(50):
        assert not (first.leads and second.leads)
        assert not second.leads
        await asyncio.sleep(0.005)
    one.cancel()  # killed: it gives nothing back
    await until(lambda: second.leads)
    assert not first.leads
    two.cancel()


async def test_a_leader_that_cannot_renew_stops_before_the_other_begins() -> None:
    api = MemoryApi()
    first, second = replica(api, "a"), replica(api, "b")
    away = [False]
    cut_off = MemoryCluster(api)
    real = cut_off.replace

    async def replace(manifest: Manifest) -> Manifest:
        if away[0]:
            raise Retryable("away")
        return await real(manifest)

    cut_off.replace = replace  # type: ignore[method-assign]
    first.cluster = cut_off
    ended = asyncio.create_task(first.run())
    await until(lambda: first.leads)
    waiting = asyncio.create_task(second.run())
    away[0] = True
    both = False
    while not second.leads:
        both = both or (first.leads and second.leads)
        await asyncio.sleep(0.002)
    assert not both
    assert not first.leads
    await asyncio.wait_for(ended, PATIENCE_SECONDS)  # it ends, and the process with it
    waiting.cancel()


async def test_a_leader_that_is_refused_three_times_in_a_row_asks_again_in_time() -> None:
    api = MemoryApi()
    first = replica(api, "a", 9.0)
    busy = [0]

    def refuse(verb: str, _: Ref) -> MunshiError | None:
        busy[0] -= verb == "replace"
        return Retryable("429 TooManyRequests") if verb == "replace" and busy[0] >= 0 else None

    leading = asyncio.create_task(first.run())
    await until(lambda: first.leads)
    busy[0] = 3
    api.refuse = refuse
    await until(lambda: busy[0] < -1)
    assert first.leads
    assert not leading.done()
    leading.cancel()


async def test_a_stop_hands_over_at_once() -> None:
    api = MemoryApi()
    first, second = replica(api, "a", 600.0), replica(api, "b", 0.3)
    one = asyncio.create_task(first.run())
    await until(lambda: first.leads)
    one.cancel()
    await first.give_up()
    two = asyncio.create_task(second.run())
    await until(lambda: second.leads)
    two.cancel()


async def test_who_does_not_lead_writes_nothing_and_goes_on_when_it_does(stage: Stage) -> None:
    leading = [True]
    async with AsyncExitStack() as stack:
        stage.leading = lambda: False
        waiting = await stack.enter_async_context(stage.operator())
        stage.create("sharma")
        await until(lambda: waiting.engine.queue.failures("shops_sharma") >= 3)  # type: ignore[arg-type]
        assert stage.api.writes == []
        stage.leading = lambda: leading[0]
        await stack.enter_async_context(stage.operator())
        await stage.until(lambda: stage.ready("sharma"))
