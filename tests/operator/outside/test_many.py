"""Many tenants: no connection stays open for each, one look at a backlog is cheap, the pool is made once."""

import asyncio
import time

import aiohttp

from munshi.contracts.subjects import inbound
from munshi.contracts.tenant import POOL
from munshi_operator.types import Served, Unfinished
from rig.outside import Rig
from rig.waiting import eventually

MANY = 120


async def _open_connections(rig: Rig) -> int:
    url = f"{rig.servers.nats_program.monitoring_url}/connz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return int((await answer.json())["num_connections"])


async def _at_rest(rig: Rig, rest: int) -> None:
    """No more than these and the system account's, which stays; a closed one is forgotten a little later."""

    async def few() -> bool:
        return await _open_connections(rig) <= rest + 1

    await eventually(few, "the connections are closed")


async def _at_once(rig: Rig, wants: list[Served]) -> int:
    """Ensures all, 16 at a time as the engine does; the most connections that were seen meanwhile."""
    places, most = asyncio.Semaphore(16), 0

    async def made(want: Served) -> bool:
        try:
            await rig.outside.ensure(want)
        except Unfinished as error:
            if error.permanent:
                raise
            return False  # a busy NATS ends a connection that says nothing for 2 s: the engine tries again
        return True

    async def one(want: Served) -> None:
        async with places:
            await eventually(lambda: made(want), f"{want.object.key} is made")

    work = asyncio.gather(*(one(want) for want in wants))
    while not work.done():
        most = max(most, await _open_connections(rig))
        await asyncio.sleep(0.02)
    await work
    return most


async def test_dedicated_tenants_at_rest_hold_no_connection(rig: Rig) -> None:
    wants = [rig.want(f"shop{number}", "Dedicated", number=f"{10_000 + number}") for number in range(MANY)]
    rest = await _open_connections(rig)
    most = await _at_once(rig, wants)
    assert most <= rest + rig.outside.bus.at_once + 1
    await _at_rest(rig, rest)
    began = time.process_time()
    await asyncio.gather(*(rig.outside.observe_backlog(want.cell, want.object.key) for want in wants))
    assert time.process_time() - began < 10
    await _at_rest(rig, rest)


async def test_a_backlog_in_a_crowded_pool_is_one_tenants_alone(rig: Rig) -> None:
    wants = [rig.want(f"shop{number}", "Pooled", number=f"{10_000 + number}") for number in range(40)]
    await _at_once(rig, wants)
    async with rig.admin_of(POOL) as client:
        js = client.jetstream()
        for number, want in enumerate(wants):
            for message in range(number % 3):
                subject = inbound(POOL, want.object.key, 0, f"c{message}")  # type: ignore[arg-type]  # any token
                await js.publish(subject, b"{}")
    found = [(await rig.outside.observe_backlog(POOL, want.object.key)).events for want in wants]
    assert found == [number % 3 for number in range(40)]
