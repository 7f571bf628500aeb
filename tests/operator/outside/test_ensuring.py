"""What `ensure` makes, that it writes nothing at rest, and that it repairs whatever drifted."""

import dataclasses
from collections.abc import Awaitable, Callable

import pytest

from munshi.bus.streams import event_config
from munshi.contracts.ids import CellName
from munshi.contracts.subjects import dead_stream, event_stream, inbound, registry_bucket
from munshi.contracts.tenant import POOL, TenantEntry
from munshi.db.connection import open_pool
from munshi.tenants import open_entry
from munshi_operator.types import Served, Unfinished
from rig.outside import Rig, moved


async def entry_in(rig: Rig, cell: CellName, key: str) -> bytes | None:
    async with rig.admin_of(cell) as client:
        bucket = await client.jetstream().key_value(registry_bucket(cell))
        try:
            return (await bucket.get(key)).value
        except Exception:  # noqa: BLE001 - a missing key is raised as one of several kinds
            return None


def applied(want: Served) -> Served:
    """As the engine would see it at the next resync."""
    return moved(want, applied="x", observedGeneration=want.object.generation, cell=want.cell, phase="Ready")


@pytest.mark.parametrize("isolation", ["Dedicated", "Pooled"])
async def test_a_tenant_is_served_by_its_cell_and_a_second_time_writes_nothing(
    rig: Rig, isolation: str
) -> None:
    want = rig.want(isolation=isolation)
    report = await rig.outside.ensure(want)
    assert (report.database.ok, report.streams.ok, report.storage.ok) == (True, True, True)
    assert report.storage.reason == "NotConfigured"
    assert report.repaired == ()
    rows = await rig.db.fetch("select cell, display_name from tenants where tenant = 'shops_sharma'")
    assert [tuple(row) for row in rows] == [(want.cell, "Sharma")]
    cell = await rig.cell(want.cell)
    tenant = open_entry(cell, await entry_in(rig, want.cell, "shops_sharma") or b"", 1)
    assert tenant.credentials.access_token.get_secret_value() == want.credentials["access-token"]
    assert tenant.created == want.object.created
    before = await _positions(rig, want.cell)
    again = await rig.outside.ensure(applied(want))
    assert (again.repaired, again.digest) == ((), report.digest)
    assert await _positions(rig, want.cell) == before


async def _positions(rig: Rig, cell: CellName) -> tuple[object, ...]:
    """What every write would move: the registry's sequence, the account's JWT, the versions of rows."""
    async with rig.admin_of(cell) as client:
        info = await client.jetstream().stream_info(f"KV_{registry_bucket(cell)}")
    held = await rig.outside.accounts.look_up(rig.outside.planner.cell(cell).account)
    assert held is not None
    roles = await rig.db.fetchval("select array_agg(xmin::text order by oid) from pg_authid")
    rows = await rig.db.fetchval("select array_agg(xmin::text order by tenant) from tenants")
    return info.state.last_seq, held["jti"], roles, rows


async def test_the_pods_credentials_work_and_the_row_is_visible(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    cell = await rig.cell(want.cell)
    assert cell.database_url is not None
    pool = await open_pool(cell.database_url, name="test", size=2)
    try:
        assert await pool.fetchval("select tenant from tenants") == "shops_sharma"
    finally:
        await pool.close()
    access = await rig.outside.access(want.cell)
    async with rig.nats(access.ingress_creds, f"_INBOX_{want.cell}") as client:
        subject = inbound(want.cell, want.object.key, 0, "c")  # type: ignore[arg-type]  # any token will do
        assert (await client.jetstream().publish(subject, b"{}")).stream == event_stream(want.cell)


Spoil = Callable[[Rig, Served], Awaitable[None]]


async def _drop_role(rig: Rig, want: Served) -> None:
    role = rig.outside.database.role(want.cell)
    await rig.db.execute(f'drop role "{role}"')


async def _change_password(rig: Rig, want: Served) -> None:
    role = rig.outside.database.role(want.cell)
    await rig.db.execute(f"alter role \"{role}\" password 'other'")


async def _revoke_grant(rig: Rig, want: Served) -> None:
    role = rig.outside.database.role(want.cell)
    await rig.db.execute(f'revoke munshi_services from "{role}" granted by munshi_admin')


async def _no_login(rig: Rig, want: Served) -> None:
    await rig.db.execute(f'alter role "{rig.outside.database.role(want.cell)}" nologin connection limit 3')


async def _alter_row(rig: Rig, want: Served) -> None:
    await rig.db.execute(
        "update tenants set time_zone = 'UTC', role_name = 'somebody' where tenant = $1", want.object.key
    )


async def _delete_row(rig: Rig, want: Served) -> None:
    await rig.db.execute("delete from tenants where tenant = $1", want.object.key)


async def _delete_account(rig: Rig, want: Served) -> None:
    await rig.outside.accounts.delete(rig.outside.planner.cell(want.cell).account)


async def _alter_account(rig: Rig, want: Served) -> None:
    plan = rig.outside.planner.cell(want.cell)
    await rig.outside.accounts.ensure(
        dataclasses.replace(plan, limits=dataclasses.replace(plan.limits, connections=1, streams=1))
    )


async def _delete_stream(rig: Rig, want: Served) -> None:
    async with rig.admin_of(want.cell) as client:
        await client.jetstream().delete_stream(dead_stream(want.cell))


async def _alter_stream(rig: Rig, want: Served) -> None:
    config = event_config(want.cell, rig.outside.planner.cell(want.cell).sizing)
    async with rig.admin_of(want.cell) as client:
        await client.jetstream().update_stream(dataclasses.replace(config, max_age=6000.0, max_msg_size=100))


async def _replace_stream(rig: Rig, want: Served) -> None:
    """By one of another retention, which no update mends."""
    async with rig.admin_of(want.cell) as client:
        js = client.jetstream()
        await js.delete_stream(event_stream(want.cell))
        await js.add_stream(name=event_stream(want.cell), subjects=[f"munshi.{want.cell}.in.>"])


async def _delete_entry(rig: Rig, want: Served) -> None:
    async with rig.admin_of(want.cell) as client:
        bucket = await client.jetstream().key_value(registry_bucket(want.cell))
        await bucket.delete(want.object.key)


async def _alter_entry(rig: Rig, want: Served) -> None:
    async with rig.admin_of(want.cell) as client:
        bucket = await client.jetstream().key_value(registry_bucket(want.cell))
        held = TenantEntry.model_validate_json((await bucket.get(want.object.key)).value or b"")
        changed = held.model_copy(update={"sealed": "AAAA", "generation": 99})
        await bucket.put(want.object.key, changed.model_dump_json(by_alias=True).encode())


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_drop_role, "database role"),
        (_change_password, "database password"),
        (_revoke_grant, "database grant of munshi_services"),
        (_no_login, "database login"),
        (_alter_row, "database row"),
        (_delete_row, "database row"),
        (_delete_account, "account"),
        (_alter_account, "account"),
        (_delete_stream, "stream munshi-shops_sharma-dead"),
        (_alter_stream, "stream munshi-shops_sharma-events"),
        (_replace_stream, "stream munshi-shops_sharma-events"),
        (_delete_entry, "registry entry"),
        (_alter_entry, "registry entry"),
    ],
)
async def test_what_drifted_is_set_right_and_named(rig: Rig, spoil: Spoil, named: str) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    await spoil(rig, want)
    report = await rig.outside.ensure(applied(want))
    assert named in report.repaired
    assert (await rig.outside.ensure(applied(want))).repaired == ()
    await test_the_pods_credentials_work_and_the_row_is_visible(rig)
    cell = await rig.cell(want.cell)
    assert open_entry(cell, await entry_in(rig, want.cell, want.object.key) or b"", 1).generation == 1


async def test_events_outlive_the_loss_of_their_account(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    subject = inbound(want.cell, want.object.key, 0, "c")  # type: ignore[arg-type]  # any token will do
    async with rig.admin_of(want.cell) as client:
        await client.jetstream().publish(subject, b"kept")
    await _delete_account(rig, want)
    await rig.outside.ensure(want)
    assert (await rig.outside.observe_backlog(want.cell, want.object.key)).events == 1


async def test_a_foreign_stream_with_messages_is_not_destroyed_but_told(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    await _replace_stream(rig, want)
    async with rig.admin_of(want.cell) as client:
        await client.jetstream().publish(f"munshi.{want.cell}.in.x", b"someone's")
    with pytest.raises(Unfinished) as raised:
        await rig.outside.ensure(applied(want))
    streams = raised.value.report.streams
    assert (streams.ok, streams.reason) == (False, "StreamForeign")
    assert "holds 1 messages" in streams.message


async def test_a_role_that_sees_too_much_is_told_and_not_used(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    await rig.db.execute(f'alter role "{rig.outside.database.role(want.cell)}" bypassrls')
    with pytest.raises(Unfinished) as raised:
        await rig.outside.ensure(applied(want))
    assert raised.value.report.database.reason == "RoleTooPowerful"
    assert raised.value.permanent


async def test_a_rotated_token_is_another_entry_and_another_digest(rig: Rig) -> None:
    want = rig.want()
    first = await rig.outside.ensure(want)
    renewed = rig.want(secrets={**want.credentials, "access-token": "renewed"})
    second = await rig.outside.ensure(renewed)
    assert first.digest != second.digest
    cell = await rig.cell(want.cell)
    found = open_entry(cell, await entry_in(rig, want.cell, want.object.key) or b"", 1)
    assert found.credentials.access_token.get_secret_value() == "renewed"


async def test_servers_that_are_away_are_told_by_part(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    good = rig.outside.database.url
    await rig.outside.database.close()
    rig.outside.database.url = good.replace("127.0.0.1", "127.0.0.2").replace("localhost", "127.0.0.2")
    if rig.outside.database.url == good:
        pytest.fail(f"no host to change in {good}")
    with pytest.raises(Unfinished) as raised:
        await rig.outside.ensure(applied(want))
    rig.outside.database.url = good
    assert raised.value.report.database.reason == "DatabaseAway"
    assert "does not answer" in raised.value.report.database.message
    assert not raised.value.permanent


async def test_the_pool_is_made_by_ensure_platform_and_many_share_it(rig: Rig) -> None:
    names = [f"shop{number}" for number in range(5)]
    for number, name in enumerate(names):
        await rig.outside.ensure(rig.want(name, "Pooled", number=f"10000{number}"))
    rows = await rig.db.fetch("select tenant from tenants where cell = $1 order by tenant", POOL)
    assert [row["tenant"] for row in rows] == ["platform", *(f"shops_{name}" for name in names)]


async def test_a_pool_that_lost_its_registry_is_made_again_at_the_next_try(rig: Rig) -> None:
    want = rig.want("shop", "Pooled")
    await rig.outside.ensure(want)
    async with rig.admin_of(POOL) as client:
        await client.jetstream().delete_stream(f"KV_{registry_bucket(POOL)}")
    with pytest.raises(Unfinished) as raised:
        await rig.outside.ensure(applied(want))
    assert not raised.value.report.streams.ok
    report = await rig.outside.ensure(applied(want))
    assert set(report.repaired) == {"registry entry", f"stream KV_{registry_bucket(POOL)}"}
    assert await entry_in(rig, POOL, want.object.key)
