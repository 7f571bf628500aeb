"""The bus on a real server: streams, connection, the fast publisher."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from nats.js.errors import NotFoundError

from ingress.meta import admin_of, bus_of
from munshi.bus.connection import Connection, connected, serve_cells
from munshi.bus.errors import BusAway, BusBusy, BusFull, BusRefused
from munshi.bus.publisher import Outgoing, Publisher
from munshi.bus.streams import Sizing, ensure_streams
from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi.provision.cells import ensure_bus, remove_cell
from rig.cells import Cells
from rig.frozen import frozen
from rig.waiting import eventually

SUBJECT = "munshi.pool.in.a_b.003.k"


def out(number: int, size: int = 100, subject: str = SUBJECT) -> Outgoing:
    return Outgoing(subject, b"x" * size, {"Nats-Msg-Id": f"a_b:{number}"})


@pytest.fixture
async def bus(cells: Cells) -> AsyncIterator[Connection]:
    await cells.add()
    async with bus_of(cells) as connection:
        yield connection


async def stored(connection: Connection) -> int:
    info = await connection.client.jetstream().stream_info("munshi-pool-events")
    return int(info.state.messages)


async def test_streams_are_made_once_and_changed_when_settings_change(cells: Cells) -> None:
    await cells.add()
    async with admin_of(cells) as admin:
        js = admin.client.jetstream()
        await ensure_streams(js, POOL)
        await js.publish(SUBJECT, b"kept over a change")
        await ensure_streams(js, POOL, Sizing(event_bytes=512 * 1024 * 1024))
        found = await js.stream_info("munshi-pool-events")
        assert found.config.max_bytes == 512 * 1024 * 1024
        assert found.state.messages == 1
        assert (found.config.retention, found.config.storage, found.config.discard) == (
            "workqueue",
            "file",
            "new",
        )
        assert found.config.duplicate_window == 600
        bucket = await js.key_value("munshi-pool-tenants")
        await bucket.put("a_b", b"1")
        await bucket.put("a_b", b"2")
        status = await bucket.status()
        assert (status.history, status.values, status.stream_info.config.allow_direct) == (1, 1, True)


async def test_a_batch_is_kept_when_publish_returns(bus: Connection) -> None:
    publisher = await Publisher.open(bus)
    await publisher.publish([])
    await publisher.publish([out(n) for n in range(2000)])
    assert await stored(bus) == 2000
    await publisher.publish([out(n) for n in range(1990, 2010)])
    assert await stored(bus) == 2010
    assert publisher.in_flight == 0


async def test_many_batches_at_once(bus: Connection) -> None:
    publisher = await Publisher.open(bus)
    batches = [[out(batch * 100 + n) for n in range(batch)] for batch in range(50)]
    await asyncio.gather(*(publisher.publish(batch) for batch in batches))
    assert await stored(bus) == sum(range(50))
    assert publisher.in_flight == 0


async def test_what_no_stream_takes_fails_at_once(bus: Connection) -> None:
    publisher = await Publisher.open(bus, ack_seconds=600)  # far beyond a test's time
    with pytest.raises(BusAway, match="no stream"):
        await publisher.publish([out(1), out(2, subject="munshi.elsewhere.in.a_b.003.k")])
    assert publisher.in_flight == 0


async def test_what_is_too_large_is_refused_for_good(bus: Connection) -> None:
    publisher = await Publisher.open(bus)
    with pytest.raises(BusRefused):
        await publisher.publish([out(1), out(2, 5 * 1024 * 1024)])
    with pytest.raises(BusRefused):
        await publisher.publish([out(3, 9 * 1024 * 1024)])
    await publisher.publish([out(4, 3 * 1024 * 1024)])
    assert publisher.in_flight == 0


async def test_a_full_stream_refuses_and_takes_again(own_cells: Cells) -> None:
    await own_cells.add()
    await ensure_bus(own_cells.bus, POOL, own_cells.keys[POOL], Sizing(event_bytes=10_000))
    async with bus_of(own_cells) as bus:
        publisher = await Publisher.open(bus)
        with pytest.raises(BusFull):
            await publisher.publish([out(n, 1000) for n in range(20)])
        await ensure_bus(own_cells.bus, POOL, own_cells.keys[POOL], Sizing(event_bytes=100_000))
        await publisher.publish([out(n, 1000) for n in range(20)])
        assert await stored(bus) == 20
        assert publisher.in_flight == 0


async def test_too_much_in_flight_is_refused_unsent_but_a_lone_batch_is_not(bus: Connection) -> None:
    publisher = await Publisher.open(bus, max_in_flight=10)
    first = asyncio.create_task(publisher.publish([out(n) for n in range(30)]))
    await asyncio.sleep(0)
    with pytest.raises(BusBusy):
        await publisher.publish([out(99)])
    await first
    assert await stored(bus) == 30


async def test_no_answer_in_time_is_away(own_cells: Cells) -> None:
    await own_cells.add()
    async with bus_of(own_cells) as bus:
        publisher = await Publisher.open(bus, ack_seconds=0.3)
        nats = own_cells.servers.nats.process
        assert nats is not None
        with frozen(nats.pid), pytest.raises(BusAway, match="in time"):
            await publisher.publish([out(1)])
        assert publisher.in_flight == 0
        await eventually(lambda: taken(publisher, 2), "it is taken again")


async def taken(publisher: Publisher, number: int) -> bool:
    try:
        await publisher.publish([out(number)])
    except BusAway:
        return False
    return True


async def test_a_lost_server_fails_what_waits_at_once_and_its_return_is_found(own_cells: Cells) -> None:
    await own_cells.add()
    async with bus_of(own_cells) as bus:
        losses: list[str] = []
        bus.on_loss(lambda: losses.append("lost"))
        bus.on_return(lambda: losses.append("back"))
        publisher = await Publisher.open(bus, ack_seconds=600)  # far beyond a test's time
        nats = own_cells.servers.nats.process
        assert nats is not None
        with frozen(nats.pid):
            waiting = asyncio.create_task(publisher.publish([out(1)]))
            await asyncio.sleep(0)
            own_cells.servers.nats.kill()
        with pytest.raises(BusAway, match=r"lost|not connected"):
            await waiting
        assert not bus.up
        with pytest.raises(BusAway):
            await publisher.publish([out(2)])
        own_cells.servers.nats.start()

        await eventually(lambda: taken(publisher, 3), "its return is found")
        assert losses == ["lost", "back"]


async def test_a_closed_connection_says_so(cells: Cells) -> None:
    await cells.add()
    async with bus_of(cells) as bus:
        publisher = await Publisher.open(bus)
    assert bus.closed.is_set()
    with pytest.raises(BusAway):
        await publisher.publish([out(1)])
    await bus.close()


async def test_another_cells_account_sees_nothing(cells: Cells) -> None:
    pool = await cells.add()
    other = await cells.add("shops_verma")
    async with connected(other, "test") as connection:
        publisher = await Publisher.open(connection)
        with pytest.raises(BusAway):
            await publisher.publish([out(1)])
        with pytest.raises(NotFoundError):
            await connection.client.jetstream().stream_info("munshi-pool-events")
    mixed = replace(other, nats_creds=pool.nats_creds)
    async with connected(mixed, "test") as connection:
        assert await stored(connection) == 0


async def test_a_session_a_cell_begun_again_after_a_failure_ended_when_the_cell_goes(cells: Cells) -> None:
    await cells.add()
    log: list[str] = []
    failed = asyncio.Event()

    async def session(connection: Connection) -> None:
        name = connection.cell.name
        log.append(f"begin {name}")
        if name == POOL and not failed.is_set():
            failed.set()
            raise ValueError("a defect")
        try:
            await asyncio.Event().wait()
        finally:
            log.append(f"end {name}")

    serving = asyncio.create_task(
        serve_cells(
            cells.folder,
            "test",
            session,
            lambda name: log.append(f"came {name}"),
            lambda name: log.append(f"gone {name}"),
        )
    )

    def logged(line: str, times: int = 1) -> "asyncio.Future[None]":
        async def there() -> bool:
            return log.count(line) >= times

        return asyncio.ensure_future(eventually(there))

    await logged("begin pool", 2)
    await cells.add("shops_verma")
    await logged("begin shops_verma")
    remove_cell(cells.folder, CellName("shops_verma"))
    await logged("gone shops_verma")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert log == [
        "came pool",
        "begin pool",
        "begin pool",
        "came shops_verma",
        "begin shops_verma",
        "end shops_verma",
        "gone shops_verma",
        "end pool",
    ]
