"""Provisioning can run again and again, quotes what it is given, and takes away what it made."""

import asyncio

import asyncpg
import pytest

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.db.admin import create_cell_role, delete_tenant, drop_cell_role, role_of_cell, upsert_tenant
from munshi.db.quoting import identifier, literal
from munshi.db.turns import Turns
from munshi.errors import Permanent
from rig.cells import tenant_document

from .conftest import APART, CELL_PASSWORD, SHARMA, Cells, Database
from .scenes import NUMBER, Talk, entry, take, talk


async def test_a_cell_made_again_keeps_its_role_and_takes_the_new_password(
    db: Database, cells: Cells, admin: asyncpg.Connection
) -> None:
    again = await create_cell_role(admin, POOL, "another")
    assert again.role == cells.pool_role
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(db.cell_url(cells.pool_role))
    await create_cell_role(admin, POOL, CELL_PASSWORD)
    await (await asyncpg.connect(db.cell_url(cells.pool_role))).close()


async def test_two_hands_at_once_make_one_cell(db: Database) -> None:
    hands = [await asyncpg.connect(db.admin_url) for _ in range(4)]
    try:
        made = await asyncio.gather(*(create_cell_role(hand, POOL, CELL_PASSWORD) for hand in hands))
        assert len({one.role for one in made}) == 1
    finally:
        await drop_cell_role(hands[0], POOL)
        for hand in hands:
            await hand.close()


@pytest.mark.parametrize("odd", ["o'; DROP TABLE users; --", 'quo"te', "back\\slash'", "नमस्ते", "$$;"])
async def test_odd_names_and_passwords_are_only_names_and_passwords(
    db: Database, admin: asyncpg.Connection, odd: str
) -> None:
    made = await create_cell_role(admin, CellName(odd), odd)
    try:
        assert await admin.fetchval("SELECT cell FROM cells") == odd
        connection = await asyncpg.connect(db.superuser_url, user=made.role, password=odd)
        assert await connection.fetchval("SELECT $1::text", odd) == odd
        assert await admin.fetchval(f"SELECT {literal(odd)}") == odd
        await connection.close()
        await admin.execute(f"CREATE TEMP TABLE {identifier(odd)} (x int)")
    finally:
        await drop_cell_role(admin, CellName(odd))


@pytest.mark.parametrize("bad", ["", "x" * 64, "a\x00b"])
def test_what_is_no_name_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        identifier(bad)


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        literal("a\x00b")


def test_roles_of_two_databases_are_two() -> None:
    assert role_of_cell("one", POOL) != role_of_cell("two", POOL)
    assert role_of_cell("one", POOL) != role_of_cell("one", CellName(APART))


async def test_a_deleted_tenant_is_seen_by_nobody_and_comes_back_whole(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA)
    done = await one.say("wamid.A", entry("wamid.A#1"))
    await delete_tenant(admin, SHARMA, purge=False)
    await delete_tenant(admin, SHARMA, purge=False)
    with pytest.raises(Permanent):
        await Turns(cells.pool).load(SHARMA, NUMBER, one.who, [])
    assert await admin.fetchval("SELECT count(*) FROM transactions") == 1
    await upsert_tenant(admin, SHARMA, tenant_document(name="sharma").spec)
    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, one.who, [])
    assert loaded.conversation is not None
    assert loaded.conversation.id == done.conversation_id


async def test_a_cell_goes_though_its_deleted_tenants_data_stays(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    taken = await take(cells.apart, cell=CellName(APART))
    one = Talk(cells.apart, APART, taken.lane, taken.fence)
    await one.say("wamid.A", entry("wamid.A#1"))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await drop_cell_role(admin, CellName(APART))
    await delete_tenant(admin, APART, purge=False)
    await drop_cell_role(admin, CellName(APART))
    assert not await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", cells.apart_role)
    assert await admin.fetchval("SELECT count(*) FROM lanes WHERE cell = $1", APART) == 0
    assert await admin.fetchval("SELECT count(*) FROM transactions") == 1


async def test_a_purged_tenant_leaves_nothing(cells: Cells, admin: asyncpg.Connection) -> None:
    from munshi.db.models import Base

    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1"))
    await one.say("wamid.B", entry("wamid.A0#1"))
    await one.queue("a")
    await delete_tenant(admin, SHARMA, purge=True)
    for name, table in Base.metadata.tables.items():
        if "tenant" in table.columns:
            assert await admin.fetchval(f"SELECT count(*) FROM {name} WHERE tenant = $1", SHARMA) == 0, name


async def test_a_tenant_that_changes_its_cell_takes_its_data_along(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA)
    done = await one.say("wamid.A")
    key = CellName(SHARMA)
    role = await create_cell_role(admin, key, CELL_PASSWORD)
    await upsert_tenant(admin, SHARMA, tenant_document(name="sharma", isolation="Dedicated").spec)
    try:
        with pytest.raises(Permanent):
            await Turns(cells.pool).load(SHARMA, NUMBER, one.who, [])
        own = await admin.fetchval("SELECT role_name FROM tenants WHERE tenant = $1", SHARMA)
        assert own == role.role
        assert await admin.fetchval("SELECT id FROM conversations") == done.conversation_id
    finally:
        await delete_tenant(admin, SHARMA, purge=True)
        await drop_cell_role(admin, key)


async def test_a_tenant_without_its_cell_is_refused(admin: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await upsert_tenant(admin, TenantKey("a_b"), tenant_document().spec)
