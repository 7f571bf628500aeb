"""What is killed under load costs no webhook that was answered 200, and what comes back goes on."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from ingress.conftest import StartIngress
from ingress.meta import (
    PATH,
    Meta,
    change,
    encoded,
    events,
    ids,
    message,
    meta_of,
    signature,
    status,
    webhook,
)
from rig.cells import Cells, credentials
from rig.frozen import frozen
from rig.services import Service, Services, alive
from rig.waiting import eventually

WORKERS = 16


@dataclass
class Load:
    """Workers that post one new message after the other, and what became of each."""

    meta: Meta
    answers: dict[str, int] = field(default_factory=dict)
    """Status by message id; 0 where nobody listened, -1 where the connection broke."""
    stopped: bool = False

    @property
    def kept(self) -> set[str]:
        """What was answered 200."""
        return {wamid for wamid, code in self.answers.items() if code == 200}

    def count(self, code: int) -> int:
        """How often this answer came."""
        return sum(1 for given in self.answers.values() if given == code)

    async def more(self, count: int) -> None:
        """Waits until so many more were answered 200."""
        wanted = len(self.kept) + count

        async def there() -> bool:
            return len(self.kept) >= wanted

        await eventually(there, f"{wanted} are kept")

    async def work(self, worker: int) -> None:
        """One worker, until it is stopped."""
        number = 0
        while not self.stopped:
            wamid = f"wamid.{worker:02d}x{number:05d}"
            number += 1
            self.answers[wamid] = await self._post(wamid)
            await asyncio.sleep(0.002 if self.answers[wamid] == 200 else 0.02)

    async def _post(self, wamid: str) -> int:
        body = webhook(
            change(messages=[message(wamid)], statuses=[status(wamid.replace("wamid", "wamid.O"))])
        )
        try:
            return await self.meta.post(body)
        except aiohttp.ClientConnectorError:
            return 0
        except (aiohttp.ClientError, OSError):
            return -1


@asynccontextmanager
async def load_on(service: Service) -> AsyncIterator[Load]:
    """Runs a load; it has ended after the block."""
    async with meta_of(service.url) as meta:
        load = Load(meta)
        tasks = [asyncio.create_task(load.work(worker)) for worker in range(WORKERS)]
        try:
            yield load
        finally:
            load.stopped = True
            await asyncio.gather(*tasks)


async def assert_kept(load: Load, cells: Cells) -> None:
    """Each 200 is in the stream, message and status, and nothing is there twice."""
    found = ids(await events(cells))
    assert len(found) == len(set(found))
    messages = {each for each in found if ":" not in each}
    statuses = {each.split(":")[0].replace("wamid.O", "wamid") for each in found if ":" in each}
    assert load.kept - messages == set()
    assert load.kept - statuses == set()


async def test_nats_is_killed_again_and_again(own_cells: Cells, start_ingress: StartIngress) -> None:
    await own_cells.put_tenant()
    service = start_ingress(own_cells)
    chance = random.Random(3)
    async with load_on(service) as load:
        for _ in range(3):
            await load.more(chance.randint(50, 200))
            own_cells.servers.nats.kill()
            before = load.count(503)

            async def refused(before: int = before) -> bool:
                return load.count(503) > before

            await eventually(refused)
            assert (await load.meta.get("/readyz"))[0] == 503
            assert (await load.meta.get("/healthz"))[0] == 200
            own_cells.servers.nats.start()
            await load.more(50)

        async def ready() -> bool:
            return (await load.meta.get("/readyz"))[0] == 200

        await eventually(ready)
    assert load.count(0) + load.count(-1) == 0
    await assert_kept(load, own_cells)


async def test_ingress_is_killed_again_and_again(cells: Cells, start_ingress: StartIngress) -> None:
    await cells.put_tenant()
    service = start_ingress(cells)
    async with load_on(service) as load:
        for _ in range(3):
            await load.more(100)
            await asyncio.to_thread(service.restart)
        await load.more(50)
    assert load.count(0) + load.count(-1) > 0
    await assert_kept(load, cells)


@pytest.mark.parametrize("drain", ["0", "0.5"])
async def test_sigterm_under_load_loses_nothing(
    cells: Cells, start_ingress: StartIngress, drain: str
) -> None:
    await cells.put_tenant()
    service = start_ingress(cells, MUNSHI_DRAIN_SECONDS=drain)
    async with load_on(service) as load:
        await load.more(100)
        assert await asyncio.to_thread(service.stop) == 0
        await asyncio.to_thread(service.start)
        await asyncio.to_thread(service.wait_ready)
        await load.more(50)
    await assert_kept(load, cells)
    # Whatever was taken in was also answered: a connection broke only where nothing had been read of it.
    assert {each for each in ids(await events(cells)) if ":" not in each} == load.kept


async def test_a_drain_tells_first_and_closes_connections_with_their_answers(
    cells: Cells, start_ingress: StartIngress
) -> None:
    await cells.put_tenant()
    service = start_ingress(cells, MUNSHI_DRAIN_SECONDS="60")  # ended below, by a second signal
    body = encoded(webhook(change(messages=[message("wamid.1")])))
    async with meta_of(service.url) as meta:
        assert await meta.post(body) == 200
        os.kill(service.pid, signal.SIGTERM)

        async def not_ready() -> bool:
            return (await meta.get("/readyz"))[0] == 503

        await eventually(not_ready)
        assert await meta.post(webhook(change(messages=[message("wamid.2")]))) == 200
        os.kill(service.pid, signal.SIGTERM)

        async def gone() -> bool:
            return not alive(service.pid)

        await eventually(gone)
    assert ids(await events(cells)) == ["wamid.1", "wamid.2"]


async def test_what_was_taken_is_finished_when_the_stop_comes(
    cells: Cells, start_ingress: StartIngress
) -> None:
    await cells.put_tenant()
    service = start_ingress(cells)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    body = encoded(webhook(change(messages=[message("wamid.HALF")])))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"X-Hub-Signature-256: {signature(body)['X-Hub-Signature-256']}\r\n\r\n"
    writer.write(head.encode() + body[:20])
    await writer.drain()
    async with meta_of(service.url) as meta:

        async def begun() -> bool:
            return await meta.metric("munshi_ingress_requests_in_flight") == 1

        await eventually(begun)
    os.kill(service.pid, signal.SIGTERM)
    writer.write(body[20:])
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()
    assert ids(await events(cells)) == ["wamid.HALF"]


async def test_a_bus_that_hangs_is_answered_503_in_time_and_without_end_of_memory(
    own_cells: Cells, start_ingress: StartIngress
) -> None:
    await own_cells.put_tenant()
    service = start_ingress(own_cells, MUNSHI_ACK_SECONDS="10", MUNSHI_MAX_WAITING_EVENTS="20")
    nats = own_cells.servers.nats.process
    assert nats is not None
    async with meta_of(service.url) as meta:
        with frozen(nats.pid):
            posts = [meta.post(webhook(change(messages=[message(f"wamid.{n:02d}")]))) for n in range(60)]
            answers = await asyncio.gather(*posts)
            assert set(answers) == {503}
            assert await meta.metric('munshi_ingress_requests_total{outcome="busy"}') == 40
            assert await meta.metric('munshi_ingress_requests_total{outcome="bus_away"}') == 20
            assert await meta.metric("munshi_ingress_waiting_events") == 0

        async def back() -> bool:
            return await meta.post(webhook(change(messages=[message("wamid.AFTER")]))) == 200

        await eventually(back)
        posts = [meta.post(webhook(change(messages=[message(f"wamid.{n:02d}")]))) for n in range(60)]
        answers = await asyncio.gather(*posts)
    found = ids(await events(own_cells))
    assert len(found) == len(set(found))
    assert {f"wamid.{n:02d}" for n in range(60) if answers[n] == 200} <= set(found)


async def test_ingress_starts_before_nats_and_waits_for_it(own_cells: Cells, services: Services) -> None:
    await own_cells.put_tenant()
    own_cells.servers.nats.kill()
    settings = {"MUNSHI_CELLS_DIR": str(own_cells.folder), "MUNSHI_DRAIN_SECONDS": "0"}
    service = services.start("ingress", settings).wait_ready(path="/healthz")
    async with meta_of(service.url) as meta:
        body = webhook(change(messages=[message("wamid.1")]))
        assert await meta.post(body) == 503
        assert (await meta.get("/readyz"))[0] == 503
        own_cells.servers.nats.start()

        async def kept() -> bool:
            return await meta.post(body) == 200

        await eventually(kept)


async def test_changes_made_while_nats_was_away_are_seen_after(
    own_cells: Cells, start_ingress: StartIngress
) -> None:
    await own_cells.put_tenant()
    async with meta_of(start_ingress(own_cells).url) as meta:
        body = webhook(change(messages=[message("wamid.1")]))
        for number in range(3):
            await asyncio.to_thread(own_cells.servers.nats.restart)
            secret = f"secret-{number}"
            await own_cells.put_tenant(secrets=credentials(app_secret=secret))

            async def live(secret: str = secret) -> bool:
                return await meta.post(body, secret=secret) == 200

            await eventually(live)


async def test_a_taken_port_is_a_clear_end(services: Services, ingress: Service) -> None:
    second = services.start("ingress", port=ingress.port)
    assert second.process is not None
    assert await asyncio.to_thread(second.process.wait, 60) == 1
    assert "cannot listen on 127.0.0.1" in second.log
    assert "Traceback" not in second.log
