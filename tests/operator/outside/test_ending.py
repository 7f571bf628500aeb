"""The end of a tenant: withdrawn with its data kept, or erased to the last row; nobody else notices."""

import contextlib
from typing import Any

import nats.errors
import pytest
from nats.js.errors import KeyNotFoundError

from munshi.contracts.ids import CellName
from munshi.contracts.subjects import dead, inbound, registry_bucket
from munshi.contracts.tenant import POOL
from munshi.provision.cell_rights import cell_creds
from munshi_operator.outside.storage import FolderStorage
from munshi_operator.types import Served
from rig.outside import MASTER, Rig, moved

_TABLES = """
select table_name from information_schema.columns
where table_schema = 'public' and column_name = 'tenant' order by 1
"""


async def fill(rig: Rig, want: Served) -> None:
    """Something of the tenant in every place: rows, an event, a dead letter."""
    key, cell = want.object.key, want.cell
    user = await rig.db.fetchval("insert into users (tenant, name) values ($1, 'Ravi') returning id", key)
    talk = await rig.db.fetchval(
        "insert into conversations (tenant, phone_number_id, user_id) values ($1, '1', $2) returning id",
        key,
        user,
    )
    await rig.db.execute(
        "insert into outbox (tenant, conversation_id, user_id, phone_number_id, lane)"
        " values ($1, $2, $3, '1', $4)",
        key,
        talk,
        user,
        f"{cell}/000",
    )
    async with rig.admin_of(cell) as client:
        js = client.jetstream()
        await js.publish(inbound(cell, key, 0, "c"), b"{}")  # type: ignore[arg-type]  # any token will do
        await js.publish(dead(cell, key), b"{}")


async def traces(rig: Rig, want: Served) -> dict[str, Any]:
    """What is left of a tenant, place by place; nothing where nothing is."""
    key, own = want.object.key, CellName(want.object.key)
    found: dict[str, Any] = {}
    for row in await rig.db.fetch(_TABLES):
        count = await rig.db.fetchval(f'select count(*) from "{row[0]}" where tenant = $1', key)
        found |= {row[0]: count} if count else {}
    if await rig.db.fetchval(
        "select count(*) from pg_roles where rolname = $1", rig.outside.database.role(own)
    ):
        found["role"] = True
    if await rig.db.fetchval("select count(*) from cells where cell = $1", own):
        found["cell"] = True
    if await rig.outside.accounts.look_up(rig.outside.planner.cell(own).account) is not None:
        found["account"] = True
    async with rig.admin_of(POOL) as client:
        for stream in await client.jetstream().streams_info():
            state = (
                await client.jetstream().stream_info(stream.config.name or "", subjects_filter=">")
            ).state
            left = [
                subject
                for subject in state.subjects or {}
                if key in subject.split(".") and not subject.startswith("$KV")
            ]
            found |= dict.fromkeys(left, True)
        bucket = await client.jetstream().key_value(registry_bucket(POOL))
        with contextlib.suppress(KeyNotFoundError):  # then nothing of it is found
            await bucket.get(key)
            found["entry"] = True
    return found


@pytest.mark.parametrize("isolation", ["Dedicated", "Pooled"])
async def test_erased_leaves_nothing_and_touches_nobody_else(rig: Rig, isolation: str) -> None:
    doomed, others = rig.want("doomed", isolation), [rig.want("a", "Dedicated"), rig.want("b", "Pooled")]
    for want in (doomed, *others):
        await rig.outside.ensure(want)
        await fill(rig, want)
    before = [await traces(rig, want) for want in others]
    assert len(await traces(rig, doomed)) >= 5
    await rig.outside.erase(doomed)
    await rig.outside.erase(doomed)
    assert await traces(rig, doomed) == {}
    assert [await traces(rig, want) for want in others] == before
    for want in others:
        assert (await rig.outside.observe_backlog(want.cell, want.object.key)).events == 1


async def test_a_tenant_made_again_after_its_erasure_is_new(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    await fill(rig, want)
    await rig.outside.erase(want)
    await rig.outside.ensure(want)
    backlog = await rig.outside.observe_backlog(want.cell, want.object.key)
    assert (backlog.events, backlog.sending) == (0, 0)


async def test_withdrawn_keeps_the_data_and_takes_every_right(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    await fill(rig, want)
    access = await rig.outside.access(want.cell)
    await rig.outside.withdraw(want)
    await rig.outside.withdraw(want)
    for creds in (access.ingress_creds, access.orchestrator_creds):
        with pytest.raises(nats.errors.Error, match="Authorization"):
            async with rig.nats(creds):
                pass
    assert not await rig.db.fetchval(
        "select rolcanlogin from pg_roles where rolname = $1", rig.outside.database.role(want.cell)
    )
    assert await rig.db.fetchval("select count(*) from outbox where tenant = $1", want.object.key) == 1
    await rig.outside.ensure(want)
    async with rig.nats(access.ingress_creds, f"_INBOX_{want.cell}"):
        pass
    backlog = await rig.outside.observe_backlog(want.cell, want.object.key)
    assert (backlog.events, backlog.sending) == (1, 1)


async def test_a_pooled_tenant_withdrawn_leaves_the_pool_as_it_is(rig: Rig) -> None:
    one, other = rig.want("one", "Pooled"), rig.want("other", "Pooled")
    for want in (one, other):
        await rig.outside.ensure(want)
        await fill(rig, want)
    await rig.outside.withdraw(one)
    left = await rig.db.fetch("select tenant from tenants where cell = $1 order by 1", POOL)
    assert [row[0] for row in left] == ["platform", "shops_other"]
    async with rig.nats(cell_creds(MASTER, POOL).services, f"_INBOX_{POOL}"):
        pass
    assert (await rig.outside.observe_backlog(POOL, one.object.key)).events == 1


@pytest.mark.parametrize(("first", "then"), [("Dedicated", "Pooled"), ("Pooled", "Dedicated")])
async def test_what_was_kept_is_found_by_another_cell_when_the_tenant_comes_back(
    rig: Rig, first: str, then: str
) -> None:
    before, after = rig.want(isolation=first), rig.want(isolation=then)
    await rig.outside.ensure(before)
    await fill(rig, before)
    await rig.outside.withdraw(before)
    await rig.outside.ensure(after)
    # the engine notes the cell, and looks again at the next resync
    await rig.outside.ensure(moved(after, cell=after.cell, phase="Ready"))
    backlog = await rig.outside.observe_backlog(after.cell, after.object.key)
    assert (backlog.events, backlog.sending) == (1, 1)


async def test_what_never_was_can_be_ended(rig: Rig) -> None:
    want = rig.want("never")
    await rig.outside.withdraw(want)
    await rig.outside.erase(want)
    assert (await rig.outside.observe_backlog(want.cell, want.object.key)).events == 0


async def test_objects_are_moved_and_erased_with_their_tenant(rig: Rig) -> None:
    root = rig.folder.parent / "objects"
    rig.outside.storage = FolderStorage(root)
    want = rig.want()
    report = await rig.outside.ensure(want)
    assert (report.storage.ok, report.storage.reason) == (True, "Ready")
    for place in (f"cells/{want.cell}/shops_sharma/2026/a.jpg", "cells/pool/shops_other/b.jpg"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(b"picture")
    await rig.outside.move_rights(want.object.key, want.cell, POOL)
    assert (root / "cells/pool/shops_sharma/2026/a.jpg").read_bytes() == b"picture"
    await rig.outside.erase(want)
    left = sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file())
    assert left == ["cells/pool/shops_other/b.jpg"]
