"""With everything that one tenant's pod holds, nothing of another's can be read, published or listed."""

import asyncio

import asyncpg
import nats.errors
import nats.js.errors
import pytest
from nats.js.api import ConsumerConfig

from munshi.contracts.ids import CellName
from munshi.contracts.subjects import dead, event_stream, inbound, registry_bucket
from munshi.contracts.tenant import POOL
from rig.outside import Rig

REFUSED = (nats.errors.Error, nats.js.errors.Error, TimeoutError)


@pytest.fixture
async def two(rig: Rig) -> Rig:
    """A thief and a victim, each with an event waiting, and a pooled tenant."""
    for name, isolation in (("thief", "Dedicated"), ("victim", "Dedicated"), ("pooled", "Pooled")):
        want = rig.want(name, isolation)
        await rig.outside.ensure(want)
        async with rig.admin_of(want.cell) as client:
            await client.jetstream().publish(inbound(want.cell, want.object.key, 0, "c"), b"secret")  # type: ignore[arg-type]  # any token will do
        await rig.db.execute("insert into users (tenant, name) values ($1, $1)", want.object.key)
    return rig


@pytest.mark.parametrize("part", ["ingress", "orchestrator"])
@pytest.mark.parametrize("victim", ["shops_victim", POOL])
async def test_nothing_of_another_cell_is_reached_over_nats(two: Rig, part: str, victim: str) -> None:
    access = await two.outside.access(CellName("shops_thief"))
    creds = access.ingress_creds if part == "ingress" else access.orchestrator_creds
    cell, key = CellName(victim), "shops_pooled" if victim == POOL else victim
    before = await two.outside.observe_backlog(cell, key)  # type: ignore[arg-type]  # a key
    async with two.nats(creds, "_INBOX_shops_thief") as client, two.admin_of(cell) as theirs:
        js = client.jetstream(timeout=0.5)
        heard: list[bytes] = []
        own = await client.subscribe("_INBOX_shops_thief.ear")
        for attempt in (
            js.stream_info(event_stream(cell)),
            js.get_msg(event_stream(cell), seq=1),
            js.key_value(registry_bucket(cell)),
            js.publish(inbound(cell, key, 0, "c"), b"forged", timeout=0.5),  # type: ignore[arg-type]  # a key
            js.publish(dead(cell, key), b"forged", timeout=0.5),  # type: ignore[arg-type]  # a key
            js.purge_stream(event_stream(cell)),
            js.delete_stream(event_stream(cell)),
            js.add_consumer(
                event_stream(cell), ConsumerConfig(name="ear", deliver_subject="_INBOX_shops_thief.ear")
            ),
            js.publish(f"$KV.{registry_bucket(cell)}.{key}", b"forged", timeout=0.5),
        ):
            with pytest.raises(REFUSED):
                await attempt
        names = []
        if part == "ingress":
            names = [
                name
                for name in (await client.request("$JS.API.STREAM.NAMES", b"{}", timeout=30))
                .data.decode()
                .split('"')
                if name.startswith(("munshi-", "KV_"))
            ]
            assert names
        assert not [name for name in names if "thief" not in name]
        # plain messages do not cross either, in both directions
        await theirs.publish("_INBOX_shops_thief.ear", b"over the wall")
        await theirs.flush()
        with pytest.raises(TimeoutError):
            heard.append((await own.next_msg(timeout=0.2)).data)
        assert heard == []
    assert await two.outside.observe_backlog(cell, key) == before  # type: ignore[arg-type]  # a key


async def test_ingress_publishes_and_reads_the_registry_and_nothing_else(two: Rig) -> None:
    cell = CellName("shops_thief")
    access = await two.outside.access(cell)
    async with two.nats(access.ingress_creds, f"_INBOX_{cell}") as client:
        js = client.jetstream(timeout=30)
        await js.publish(inbound(cell, cell, 0, "c"), b"{}")  # type: ignore[arg-type]  # any token will do
        await js.publish(dead(cell, cell), b"{}")  # type: ignore[arg-type]  # the same name
        bucket = await js.key_value(registry_bucket(cell))
        assert (await bucket.get("shops_thief")).value
        watcher = await bucket.watchall()
        assert (await watcher.updates(timeout=30)) is not None  # type: ignore[no-untyped-call]  # as below
        await watcher.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        js._timeout = 0.5  # what is refused is not answered
        for attempt in (
            bucket.put("shops_thief", b"forged"),
            bucket.delete("shops_thief"),
            js.get_msg(event_stream(cell), seq=1),
            js.get_msg(event_stream(cell), seq=1, direct=True),
            js.add_consumer(event_stream(cell), ConsumerConfig(name="x", deliver_subject=f"_INBOX_{cell}.x")),
            js.delete_stream(event_stream(cell)),
            js.purge_stream(f"KV_{registry_bucket(cell)}"),
            js.add_stream(name="mine", subjects=["mine.>"]),
        ):
            with pytest.raises(REFUSED):
                await attempt
        ear = await client.subscribe("munshi.>")
        async with two.admin_of(cell) as admin:
            await admin.jetstream().publish(inbound(cell, cell, 0, "d"), b"{}")  # type: ignore[arg-type]  # as above
        with pytest.raises(TimeoutError):
            await ear.next_msg(timeout=0.2)


async def test_the_orchestrator_makes_no_stream_takes_none_away_and_writes_no_entry(two: Rig) -> None:
    cell = CellName("shops_thief")
    access = await two.outside.access(cell)
    async with two.nats(access.orchestrator_creds, f"_INBOX_{cell}") as client:
        js = client.jetstream(timeout=30)
        bucket = await js.key_value(registry_bucket(cell))
        js._timeout = 0.5
        for attempt in (
            bucket.put("shops_thief", b"forged"),
            js.add_stream(name="mine", subjects=["mine.>"]),
            js.delete_stream(event_stream(cell)),
            js.purge_stream(event_stream(cell)),
            js.publish(inbound(cell, cell, 0, "c"), b"{}", timeout=0.5),  # type: ignore[arg-type]  # any token
        ):
            with pytest.raises(REFUSED):
                await attempt


async def test_a_pods_role_sees_no_row_of_another_tenant_whatever_it_sets(two: Rig) -> None:
    access = await two.outside.access(CellName("shops_thief"))
    connection = await asyncpg.connect(access.database_url)
    try:
        assert [row[0] for row in await connection.fetch("select tenant from tenants")] == ["shops_thief"]
        for tenant, seen in (("shops_thief", 1), ("shops_victim", 0), ("shops_pooled", 0)):
            await connection.execute("select set_config('munshi.tenant', $1, false)", tenant)
            assert await connection.fetchval("select count(*) from users") == seen
        for statement in (
            "set role munshi_admin",
            "set role munshi_owner",
            "update tenants set role_name = session_user",
            "select purge_tenant('shops_victim')",
            "alter table users disable row level security",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_stolen_credentials_end_with_their_tenant(two: Rig) -> None:
    want = two.want("thief")
    access = await two.outside.access(want.cell)
    gone = asyncio.Event()

    async def closed() -> None:
        gone.set()

    async with two.nats(access.orchestrator_creds, f"_INBOX_{want.cell}") as client:
        client._closed_cb = closed
        await two.outside.withdraw(want)
        await asyncio.wait_for(gone.wait(), 60)
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(access.database_url)
