"""A cell's role reads and writes its own tenants only, whatever it sets: tried on every table there is."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.dialects.postgresql import JSONB

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import POOL
from munshi.db.admin import delete_tenant
from munshi.db.models import Base, Vector

from .conftest import APART, SHARMA, VERMA, Cells, Database

TABLES = sorted(Base.metadata.tables)
OF_A_TENANT = [
    name for name in TABLES if "tenant" in Base.metadata.tables[name].columns and name != "tenants"
]
OF_A_CELL = [name for name in TABLES if name not in OF_A_TENANT]
CELL_OF = {SHARMA: POOL, VERMA: POOL, APART: APART}
PROVISIONED = {"cells", "tenants"}
SHUT = {"cell_logins"}
"""Of a cell, and not even its own is for its pods."""
SAMPLES: dict[type, Any] = {
    int: 7,
    str: "x",
    bool: True,
    bytes: b"x",
    dict: "{}",
    list: [],
    Decimal: Decimal(1),
    datetime: datetime(2026, 11, 21, tzinfo=UTC),
    date: date(2026, 11, 21),
}


def python_type(column: Column[Any]) -> type:
    """What the driver takes for a column; the dialect's JSON says `object`."""
    return dict if isinstance(column.type, JSONB) else column.type.python_type


def allowed(table: Table, column: Column[Any]) -> str | None:
    """The first value that a check of the table lets into this column."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            found = re.match(rf"{column.name} IN \('(\w+)'", str(constraint.sqltext))
            if found:
                return found[1]
    return None


def sample(table: Table, column: Column[Any], tenant: TenantKey) -> Any:
    """A value that fits; references point to id 7, which every table has."""
    if column.name == "tenant":
        return tenant
    if column.name == "cell":
        return CELL_OF[tenant]
    if column.name in ("lane", "worker", "role_name"):
        return f"{column.name} of {tenant}"
    return allowed(table, column) or SAMPLES[python_type(column)]


def insert(table: Table, tenant: TenantKey, **changes: Any) -> tuple[str, list[Any]]:
    """An INSERT of one whole row (but for columns without a Python type) and its values."""
    columns = [column for column in table.columns if not isinstance(column.type, Vector)]
    values = [changes.get(column.name, sample(table, column, tenant)) for column in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)
    marks = ", ".join(
        f"${number}::text::jsonb" if python_type(column) is dict else f"${number}"
        for number, column in enumerate(columns, 1)
    )
    return f"INSERT INTO {table.name} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})", values


async def fill(superuser: asyncpg.Connection, tenant: TenantKey) -> None:
    """One row of this tenant (or its cell) in every table."""
    for table in Base.metadata.sorted_tables:
        if table.name in PROVISIONED or (table.name in OF_A_CELL and tenant == VERMA):
            continue
        query, values = insert(table, tenant)
        await superuser.execute(query, *values)


@dataclass
class Filled:
    """A database with a row of each tenant in every table, and who looks at it."""

    superuser: asyncpg.Connection
    intruder: asyncpg.Connection
    """As the role of the pool's cell."""
    apart: asyncpg.Connection
    """As the role of the dedicated cell."""


@pytest.fixture
async def filled(db: Database, cells: Cells) -> Any:
    """All tables filled for three tenants."""
    superuser = await asyncpg.connect(db.superuser_url)
    for tenant in (SHARMA, VERMA, APART):
        await fill(superuser, tenant)
    intruder = await asyncpg.connect(db.cell_url(cells.pool_role))
    apart = await asyncpg.connect(db.cell_url(cells.apart_role))
    yield Filled(superuser, intruder, apart)
    for connection in (superuser, intruder, apart):
        await connection.close()


async def as_tenant(connection: asyncpg.Connection, tenant: str | None) -> None:
    """Sets the tenant for the session, as an intruder would."""
    await connection.execute("RESET munshi.tenant")
    if tenant is not None:
        await connection.execute("SELECT set_config('munshi.tenant', $1, false)", tenant)


async def refused(connection: asyncpg.Connection, query: str, *values: Any) -> bool:
    """Whether a change was refused, or found no row to change."""
    try:
        status = await connection.execute(query, *values)
    except asyncpg.InsufficientPrivilegeError:
        return True
    return status.endswith(" 0")


async def whole(superuser: asyncpg.Connection, table: str, tenant: TenantKey) -> list[Any]:
    """A tenant's rows of a table as they really are."""
    key = "tenant" if "tenant" in Base.metadata.tables[table].columns else "cell"
    value = tenant if key == "tenant" else CELL_OF[tenant]
    return [tuple(row) for row in await superuser.fetch(f"SELECT * FROM {table} WHERE {key} = $1", value)]


async def test_a_tenants_rows_are_nobody_elses(filled: Filled) -> None:
    for name in OF_A_TENANT:
        table = Base.metadata.tables[name]
        before = await whole(filled.superuser, name, APART)
        assert len(before) == 1, name
        for setting in (APART, None, "", "nobody_there", SHARMA):
            await as_tenant(filled.intruder, setting)
            where = f"{name} WHERE tenant = '{APART}'"
            assert await filled.intruder.fetch(f"SELECT 1 FROM {where}") == [], (name, setting)
            assert await refused(filled.intruder, f"DELETE FROM {where}"), (name, setting)
            assert await refused(
                filled.intruder, f"UPDATE {name} SET tenant = tenant WHERE tenant = '{APART}'"
            ), (name, setting)
            assert await refused(
                filled.intruder, f"UPDATE {name} SET tenant = '{SHARMA}' WHERE tenant = '{APART}'"
            ), (name, setting)
            query, values = insert(table, APART, id=8)
            assert await refused(filled.intruder, query, *values), (name, setting)
        assert await whole(filled.superuser, name, APART) == before, name


async def test_a_role_sees_its_own_tenant_when_it_says_which(filled: Filled) -> None:
    for name in OF_A_TENANT:
        for connection, own in ((filled.intruder, SHARMA), (filled.intruder, VERMA), (filled.apart, APART)):
            await as_tenant(connection, own)
            rows = await connection.fetch(f"SELECT tenant FROM {name}")
            assert [row["tenant"] for row in rows] == [own], name


async def test_nothing_is_seen_by_a_query_that_forgets_to_say_which(filled: Filled) -> None:
    for name in OF_A_TENANT:
        for connection in (filled.intruder, filled.apart):
            await as_tenant(connection, None)
            assert await connection.fetch(f"SELECT 1 FROM {name}") == [], name


async def test_a_row_cannot_be_moved_to_another_tenant(filled: Filled) -> None:
    for name in OF_A_TENANT:
        await as_tenant(filled.intruder, SHARMA)
        for other in (APART, VERMA):
            query = f"UPDATE {name} SET tenant = '{other}' WHERE tenant = '{SHARMA}'"
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError)):
                await filled.intruder.execute(query)


async def test_a_purged_tenant_takes_its_rows_of_every_table_along_and_nobody_elses(
    filled: Filled, admin: asyncpg.Connection
) -> None:
    tables = [*OF_A_TENANT, "tenants"]
    others = {name: await whole(filled.superuser, name, VERMA) for name in tables}
    await delete_tenant(admin, SHARMA, purge=True)
    for name in tables:
        assert await whole(filled.superuser, name, SHARMA) == [], name
        assert await whole(filled.superuser, name, VERMA) == others[name], name


async def test_a_cells_rows_are_nobody_elses(filled: Filled) -> None:
    for name in OF_A_CELL:
        before = await whole(filled.superuser, name, APART)
        assert len(before) == 1, name
        for setting in (APART, None, SHARMA):
            await as_tenant(filled.intruder, setting)
            where = f"{name} WHERE cell = '{APART}'"
            if name in SHUT:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await filled.intruder.fetch(f"SELECT 1 FROM {where}")
            else:
                assert await filled.intruder.fetch(f"SELECT 1 FROM {where}") == [], name
            assert await refused(filled.intruder, f"DELETE FROM {where}"), name
            assert await refused(
                filled.intruder, f"UPDATE {name} SET cell = '{POOL}' WHERE cell = '{APART}'"
            ), name
            if name not in PROVISIONED:
                query, values = insert(
                    Base.metadata.tables[name], APART, lane="new", worker="new", partition=9
                )
                assert await refused(filled.intruder, query, *values), name
        assert await whole(filled.superuser, name, APART) == before, name


async def test_a_role_cannot_make_itself_somebody_else(filled: Filled, cells: Cells) -> None:
    for role in ("munshi_owner", "munshi_admin", cells.apart_role, "postgres"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await filled.intruder.execute(f'SET ROLE "{role}"')
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await filled.intruder.execute(f'SET SESSION AUTHORIZATION "{role}"')
    # as the group that it is in, it is still the role that logged in
    await filled.intruder.execute("SET ROLE munshi_services")
    await as_tenant(filled.intruder, APART)
    assert await filled.intruder.fetch("SELECT 1 FROM users") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await filled.intruder.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await filled.intruder.execute("CREATE TABLE public.mine (x text)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await filled.intruder.execute(f"UPDATE tenants SET role_name = session_user WHERE tenant = '{APART}'")


WHO = '[{"kind": "phone", "hash": "78", "sealed": "78"}]'

CALLS = {
    "load_turn": f"""load_turn('{{"tenant": "T", "identities": {WHO}, "message_ids": ["x"]}}')""",
    "commit_turn": f"""commit_turn('{{"tenant": "T", "lane": "lane of T", "fence": 7, "identities": {WHO},
        "phone_number_id": "x", "messages": [], "effects": [], "outbox": []}}')""",
    "announce": f"""announce('{{"tenant": "T", "lane": "lane of T", "fence": 7, "identities": {WHO},
        "phone_number_id": "x", "messages": [{{"id": "new"}}], "outbox": [{{"body": {{}}}}]}}')""",
    "speak_outbox": """speak_outbox('{"tenant": "T", "lane": "lane of T", "fence": 7, "id": 7,
        "body": {}}')""",
    "claim_outbox": """claim_outbox('{"tenant": "T", "lane": "lane of T", "fence": 7, "conversation_id": 7,
        "pair_interval": 6, "pair_burst": 45, "settle_after": 60}')""",
    "settle_outbox": """settle_outbox('[{"tenant": "T", "id": 7, "attempt": 7, "fence": 7,
        "result": "failed"}]')""",
    "apply_statuses": """apply_statuses('[{"tenant": "T", "id": 7, "wamid": "x", "status": "read"}]')""",
    "link_person": f"""link_person('{{"tenant": "T", "lane": "lane of T", "identities": {WHO}}}')""",
    "pending_outbox": "pending_outbox('lane of T', 7)",
    "take_lane": "take_lane('T', 'T/001', 1, 'x')",
    "release_lane": "release_lane('lane of T', 7, true)",
    "heartbeat": "heartbeat('T', 'x', '1 minute')",
    "note_attempt": "note_attempt('T', 'x', 'x')",
    "bury": """bury('{"tenant": "T", "source": "turn", "key": "y", "reason": "y", "payload": {}}')""",
    "reserve_number": "reserve_number('T', 'x', 1, 80)",
    "pause_number": "pause_number('T', 'x', 'x', NULL)",
    "resume_numbers": "resume_numbers('T', NULL, NULL)",
    "purge_messages": "purge_messages('T', now() + '1 year', now() + '1 year', 100)",
    "purge_samples": "purge_samples('T', now() + '1 year', 100)",
    "purge_attachments": "purge_attachments('T', 'infinity', 'infinity', 'infinity', 100)",
    "begin_model_call": "begin_model_call('T', 'x', 'x', 1, NULL)",
    "end_model_call": "end_model_call('T', 7, 1, 1, 1, 'done')",
    "read_model_costs": "read_model_costs('T', '2026-11-01')",
    "purge_model_calls": "purge_model_calls('T', now() + '1 year', 100)",
    "read_like": "read_like('T', 7, '', 'x', '[1,0]', 5)",
    "read_same_receipt": """read_same_receipt('T', 7, '{"sha256": "x"}')""",
    "read_origin": "read_origin('T', 7, 'x')",
    "erase_files": "erase_files('T', 7, '{x}')",
    "erase_by_hand": "erase_by_hand('T', 7, '{x}')",
    "take_erasures": "take_erasures(100)",
    "end_erasure": "end_erasure('T', 'x')",
    "purge_erasures": "purge_erasures('T', 'infinity', 'infinity', 100)",
    "read_customers": "read_customers('T', 7, 10)",
    "read_balance": "read_balance('T', 7, 7)",
    "read_debtors": "read_debtors('T', 7, 10)",
    "read_totals": "read_totals('T', 7, '-infinity', 'infinity')",
    "read_last_entry": "read_last_entry('T', 7)",
    "read_entries_of_message": "read_entries_of_message('T', 7, 'x')",
    "replay_dead_letter": "replay_dead_letter('T', 7)",
    "purge_tenant": "purge_tenant('T')",
    "purge_with_tenant": "purge_with_tenant()",
    "merge_users": "merge_users('T', 7, 7, 'x')",
    "cell_verifier": "cell_verifier((select role_name from cells))",
}
NOTHING = {None, "[]", "null", "false", '{"status": "fenced"}', '[{"id": 7, "state": null}]', "[null]"}


async def test_a_function_does_nothing_for_another_cells_tenant(filled: Filled) -> None:
    before = {table: await whole(filled.superuser, table, APART) for table in TABLES}
    await as_tenant(filled.intruder, APART)
    for name, call in CALLS.items():
        try:
            given = await filled.intruder.fetchval(f"SELECT to_jsonb({call.replace('T', APART)})")
        except asyncpg.PostgresError as error:
            # refused, which is as good as giving nothing
            assert error.sqlstate in ("MU403", "42501"), (name, error)  # noqa: PT017
        else:
            assert given in NOTHING, (name, given)
        assert {table: await whole(filled.superuser, table, APART) for table in TABLES} == before, name


async def test_every_entry_function_is_tried(admin: asyncpg.Connection) -> None:
    """Those that set the tenant or run as their owner; all others are under the caller's rights and RLS."""
    rows = await admin.fetch(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        " AND p.proowner = 'munshi_owner'::regrole AND (p.prosecdef OR p.prosrc LIKE '%munshi.tenant%')"
    )
    assert {row["proname"] for row in rows} - set(CALLS) == set()
