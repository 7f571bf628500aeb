"""Cells on real servers: what a cell's users may do, and that doing it again changes nothing."""

import asyncio
import os
from pathlib import Path

import nats.errors
import nats.js.errors
import orjson
import pytest

from munshi.contracts.ids import CellName
from munshi.provision import nats_claims
from munshi.provision.cells import ensure_bus, remove_bus
from munshi.provision.nats_accounts import Operator, connected
from munshi.provision.nats_jwt import Identity
from munshi.provision.registry import put_entry
from rig.cells import Cells, credentials, tenant_document
from rig.servers import Servers
from rig.waiting import wait_for

POOL = "munshi-pool-tenants"


async def test_a_cell_sees_nothing_of_another(cells: Cells) -> None:
    await cells.add("pool")
    other = await cells.add("shops_other")
    await cells.put_tenant()
    async with connected(other.nats_url, other.nats_creds, "test") as connection:
        js = connection.jetstream()
        streams = {stream.config.name for stream in await js.streams_info()}
        assert streams == {
            "munshi-shops_other-events",
            "munshi-shops_other-dead",
            "KV_munshi-shops_other-tenants",
        }
        with pytest.raises(nats.js.errors.Error):
            await js.key_value(POOL)
        with pytest.raises(nats.js.errors.Error):
            await js.publish("munshi.pool.in.shops_a.000.x", b"{}", timeout=30)


async def test_services_read_the_registry_and_never_change_it(cells: Cells) -> None:
    cell = await cells.add("pool")
    entry = await cells.put_tenant()
    async with connected(cell.nats_url, cell.nats_creds, "test") as connection:
        js = connection.jetstream()
        bucket = await js.key_value(POOL)
        assert (await bucket.get(entry.key)).value
        with pytest.raises((nats.errors.Error, nats.js.errors.Error, TimeoutError)):
            await asyncio.wait_for(bucket.put(entry.key, b"stolen"), 1)
        with pytest.raises((nats.errors.Error, nats.js.errors.Error, TimeoutError)):
            await asyncio.wait_for(js.delete_stream(f"KV_{POOL}"), 1)
        assert b"stolen" not in ((await bucket.get(entry.key)).value or b"")


async def test_the_same_entry_again_is_no_change(cells: Cells) -> None:
    await cells.add("pool")
    tenant, secrets = tenant_document(), credentials()
    entry = await cells.put_tenant(tenant, secrets)
    keys = cells.keys[CellName("pool")]
    async with connected(cells.bus.url, cells.admin_creds(), "test") as connection:
        bucket = await connection.jetstream().key_value(POOL)
        first = (await bucket.get(entry.key)).revision
        await put_entry(cells.bus, keys, entry)
        assert (await bucket.get(entry.key)).revision == first
        await cells.put_tenant(tenant, credentials())
        assert ((await bucket.get(entry.key)).revision or 0) > (first or 0)


async def test_the_same_account_again_is_not_felt(cells: Cells) -> None:
    await cells.add("pool")
    keys = cells.keys[CellName("pool")]
    account = Identity.from_seed(keys.account_seed).public
    operator = cells.bus.operator
    assert isinstance(operator, Operator)
    async with connected(cells.bus.url, operator.system_creds(), "test") as connection:
        before = await nats_claims.look_up(connection, account)
        await asyncio.sleep(1.1)  # the time of issue counts whole seconds
        await ensure_bus(cells.bus, CellName("pool"), keys)
        after = await nats_claims.look_up(connection, account)
    assert before is not None
    assert after is not None
    assert before["iat"] == after["iat"]


async def test_a_removed_cell_is_locked_out_at_once(cells: Cells) -> None:
    cell = await cells.add("shops_gone")
    name = CellName("shops_gone")
    await remove_bus(cells.bus, name, cells.keys[name])
    with pytest.raises(nats.errors.Error):
        async with connected(cell.nats_url, cell.nats_creds, "test"):
            pass
    cells.keys.pop(name)


async def test_what_is_left_of_an_account_does_not_make_the_server_unwell(
    own_servers: Servers, tmp_path: Path
) -> None:
    cells = Cells(own_servers, tmp_path / "cells")
    name = CellName("shops_left")
    await cells.add(name)
    operator = cells.bus.operator
    assert isinstance(operator, Operator)
    account_key = Identity.from_seed(cells.keys[name].account_seed).public
    async with connected(cells.bus.url, operator.system_creds(), "test") as connection:
        await nats_claims.delete(connection, operator.identity, account_key)
    for _ in range(2):
        await asyncio.to_thread(wait_for, own_servers.nats_program.ready, "the server is well")
        own_servers.nats.kill()
        await asyncio.to_thread(own_servers.nats.start)
    (stream,) = (own_servers.folder / "nats" / "jetstream").glob("*/*/streams/munshi-shops_left-events")
    await ensure_bus(cells.bus, name, cells.keys[name])
    await remove_bus(cells.bus, name, cells.keys[name])
    account = stream.parents[1]
    await asyncio.to_thread(
        wait_for, lambda: not any(files for _, _, files in os.walk(account)), "its files are gone"
    )


async def test_registry_entries_hold_no_secret_in_the_clear(cells: Cells) -> None:
    await cells.add("pool")
    secrets = credentials()
    entry = await cells.put_tenant(secrets=secrets)
    text = orjson.dumps(entry.model_dump(mode="json")).decode()
    for name in ("app_secret", "access_token", "verify_token", "lookup_key", "data_key"):
        assert getattr(secrets, name).get_secret_value() not in text
