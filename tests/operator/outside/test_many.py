"""Many tenants: no connection stays open for each, one look at a backlog is cheap, the pool is made once."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from nats.aio.client import Client

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


class _Opened:
    """Connections as this side has them: the server forgets the closed ones a little later."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open: set[Client] = set()
        self.most = 0
        connect, close = Client.connect, Client.close

        async def connected(client: Client, *args: Any, **kwargs: Any) -> None:
            self._open.add(client)
            self.most = max(self.most, len(self._open))
            await connect(client, *args, **kwargs)

        async def closed(client: Client) -> None:
            try:
                await close(client)
            finally:
                self._open.discard(client)

        monkeypatch.setattr(Client, "connect", connected)
        monkeypatch.setattr(Client, "close", closed)


async def _at_once(rig: Rig, wants: list[Served]) -> None:
    """Ensures all, 16 at a time as the engine does."""
    places = asyncio.Semaphore(16)

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

    await asyncio.gather(*(one(want) for want in wants))


async def test_dedicated_tenants_at_rest_hold_no_connection(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants = [rig.want(f"shop{number}", "Dedicated", number=f"{10_000 + number}") for number in range(MANY)]
    rest = await _open_connections(rig)
    opened = _Opened(monkeypatch)
    await _at_once(rig, wants)
    assert 1 < opened.most <= rig.outside.bus.at_once + 1, "the system account's is one more"
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
