"""From an older schema with data in it to the newest, with nothing lost and work going on."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from munshi.contracts.ids import CellName, MessageID
from munshi.contracts.tenant import POOL
from munshi.db.admin import create_cell_role, drop_cell_role, upsert_tenant
from munshi.db.ledger import LedgerBooks
from munshi.db.turns import Committed, Seen
from munshi.errors import Retryable
from munshi_migrations import Bootstrap, UpgradeFailed, bootstrap, current, head, revisions, upgrade
from munshi_migrations.schema import difference, engine
from rig.cells import tenant_document
from rig.servers import Servers

from .conftest import ADMIN_PASSWORD, CELL_PASSWORD, SHARMA, Database
from .scenes import Talk, entry, message, take

ROWS = 12_000
"""More than two batches of the filling in."""


@pytest.fixture
async def old(servers: Servers) -> AsyncIterator[Database]:
    """A database with the first schema."""
    made = Database(servers, f"old_{uuid.uuid4().hex[:12]}")
    await bootstrap(servers.admin_url(), Bootstrap(made.name, ADMIN_PASSWORD))
    assert await upgrade(made.admin_url, "0001") == "0001"
    yield made
    for pool in made.pools:
        await pool.close()
    admin = await asyncpg.connect(made.admin_url)
    await admin.execute("DELETE FROM tenants" if await _has(admin, "tenants") else "SELECT 1")
    await drop_cell_role(admin, POOL)
    await admin.close()
    server = await asyncpg.connect(servers.admin_url())
    await server.execute(f'DROP DATABASE "{made.name}" WITH (FORCE)')
    await server.close()


async def _has(admin: asyncpg.Connection, table: str) -> bool:
    return bool(await admin.fetchval("SELECT to_regclass($1) IS NOT NULL", table))


async def fill(old: Database) -> Talk:
    """What a program of 0001 leaves: turns by its functions, and many older replies."""
    admin = await asyncpg.connect(old.admin_url)
    role = await create_cell_role(admin, CellName(POOL), CELL_PASSWORD)
    await upsert_tenant(admin, SHARMA, tenant_document(name="sharma").spec)
    await admin.close()
    pool = await old.open(old.cell_url(role.role))
    taken = await take(pool)
    one = Talk(pool, SHARMA, taken.lane, taken.fence)
    await one.say("wamid.A", entry("wamid.A#1", "500"), state={"kept": True})
    done = await one.queue("answered")
    superuser = await asyncpg.connect(old.superuser_url)
    await superuser.execute(
        "INSERT INTO outbox (tenant, conversation_id, user_id, phone_number_id, lane, reply_to, body, state,"
        " wamid)"
        " SELECT tenant, conversation_id, user_id, phone_number_id, lane,"
        "   CASE WHEN n % 10 = 0 THEN NULL WHEN n = 1 THEN 'wamid.A' ELSE 'wamid.old' || n END,"
        "   body, 'sent', 'wamid.out' || n FROM outbox, generate_series(1, $1) AS n WHERE id = $2",
        ROWS,
        done.outbox[0].id,
    )
    await superuser.close()
    return one


async def books(superuser: asyncpg.Connection) -> list[str]:
    """All rows of all tables of 0001 but for what later ones add, as they read."""
    tables = await superuser.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename NOT IN ('alembic_version', 'transaction_messages') ORDER BY 1"
    )
    found = []
    for row in tables:
        name = row["tablename"]
        rows = await superuser.fetch(
            f"SELECT (to_jsonb(t) - '{{answers,reserved_at}}'::text[])::text AS row FROM {name} t"
        )
        found.extend(sorted(f"{name}: {json.loads(each['row'])}" for each in rows))
    return found


async def test_an_old_database_with_data_becomes_new(old: Database) -> None:
    one = await fill(old)
    superuser = await asyncpg.connect(old.superuser_url)
    before = await books(superuser)
    assert len(before) > ROWS
    assert await upgrade(old.admin_url) == head()
    assert await current(old.admin_url) == head()
    assert await books(superuser) == before

    rows = await superuser.fetch("SELECT reply_to, answers FROM outbox")
    assert all(row["answers"] == ([row["reply_to"]] if row["reply_to"] else []) for row in rows)
    made = engine(old.admin_url)
    async with made.connect() as connection:
        assert await connection.run_sync(difference) == []
    await made.dispose()

    assert one.last is not None
    reader = LedgerBooks(one.pool, SHARMA, one.last.user_id)
    assert [each.ref for each in await reader.entries_of_message(MessageID("wamid.out1"))] == ["wamid.A#1"]
    after = await one.say("wamid.B", entry("wamid.B#1"), replies=())
    assert after.conversation_id == one.last.conversation_id
    await superuser.close()


async def test_turns_go_on_while_the_schema_changes(old: Database) -> None:
    one = await fill(old)
    stop = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        unsure = False
        while not stop.is_set():
            ref = f"wamid.during.{written}"
            try:
                done = await one.commit(await one.turn(message(ref), effects=(entry(f"{ref}#1", "1"),)))
            except Retryable:
                # It waited for a lock of the upgrade for as long as it may. A worker tries it again, too.
                unsure = True
                continue
            assert isinstance(done, Committed) or (unsure and isinstance(done, Seen)), done
            written += 1
            unsure = False

    writer = asyncio.create_task(write())
    assert await upgrade(old.admin_url) == head()
    seen = written
    async with asyncio.timeout(60):
        while written < seen + 3 and not writer.done():
            await asyncio.sleep(0.01)
    stop.set()
    await writer
    admin = await asyncpg.connect(old.admin_url)
    assert await admin.fetchval("SELECT count(*) FROM transactions WHERE ref LIKE 'wamid.during%'") == written
    await admin.close()


async def test_an_upgrade_that_broke_off_goes_on_where_it_stood(old: Database) -> None:
    await fill(old)
    superuser = await asyncpg.connect(old.superuser_url)
    await superuser.execute(
        "CREATE FUNCTION pull_the_plug() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the plug is out'; END $$;"
        "CREATE TRIGGER plug BEFORE UPDATE ON outbox FOR EACH ROW WHEN (old.wamid = 'wamid.out11999')"
        " EXECUTE FUNCTION pull_the_plug()"
    )
    with pytest.raises(UpgradeFailed, match="the plug is out"):
        await upgrade(old.admin_url)
    await superuser.execute("DROP FUNCTION pull_the_plug CASCADE")
    assert await current(old.admin_url) == "0001"
    half = await superuser.fetchval("SELECT count(*) FROM outbox WHERE answers <> '{}'")
    assert 0 < half < ROWS
    assert await upgrade(old.admin_url) == head()
    missing = "SELECT count(*) FROM outbox WHERE answers = '{}' AND reply_to IS NOT NULL"
    assert await superuser.fetchval(missing) == 0
    await superuser.close()


async def test_an_upgrade_does_not_queue_up_the_turns_behind_it(old: Database) -> None:
    """It waits for a table for its lock time-out and gives up, with nothing changed."""
    await fill(old)
    superuser = await asyncpg.connect(old.superuser_url)
    hold = superuser.transaction()
    await hold.start()
    await superuser.execute("LOCK TABLE outbox IN ROW SHARE MODE")
    with pytest.raises(UpgradeFailed, match="lock timeout"):
        await upgrade(old.admin_url)
    await hold.rollback()
    assert await current(old.admin_url) == "0001"
    assert await superuser.fetchval("SELECT to_regclass('transaction_messages') IS NULL")
    await superuser.close()


def test_versions_follow_each_other() -> None:
    assert revisions() == [f"{number:04d}" for number in range(1, len(revisions()) + 1)]
