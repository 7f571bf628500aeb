"""The schema as a whole: equal to the models, guarded everywhere, and refused where it is newer."""

import asyncio
import os
import subprocess
import sys

import asyncpg
import pytest

from munshi.db.models import Base
from munshi.errors import UserMistake
from munshi_migrations import Bootstrap, bootstrap, current, head, upgrade
from munshi_migrations.bootstrap import address_as
from munshi_migrations.schema import difference, engine
from rig.servers import Servers

from .conftest import ADMIN_PASSWORD, Cells, Database

NOT_OF_A_TENANT = {"cells", "cell_logins", "workers", "lanes"}
"""They belong to a cell; their policy looks at it."""

NOT_LED_BY_TENANT = {
    "outbox_pending_of_lane": "a new owner of a lane finds the work of all its tenants",
    "erasures_waiting": "a worker of a cell finds what is to be deleted of all its tenants",
}

TABLES = sorted(Base.metadata.tables)


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m munshi_migrations`."""
    return subprocess.run(
        [sys.executable, "-m", "munshi_migrations", *arguments],
        env={**os.environ, "MUNSHI_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_models_are_the_migrated_schema(db: Database) -> None:
    made = engine(db.admin_url)
    async with made.connect() as connection:
        assert await connection.run_sync(difference) == []
    await made.dispose()


async def test_every_table_of_the_database_is_in_the_models(admin: asyncpg.Connection) -> None:
    found = await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row["tablename"] for row in found} - {"alembic_version"} == set(TABLES)


async def test_every_table_forces_row_level_security(admin: asyncpg.Connection) -> None:
    for table in TABLES:
        row = await admin.fetchrow(
            "SELECT relrowsecurity, relforcerowsecurity, relowner::regrole::text AS owner FROM pg_class"
            " WHERE oid = $1::text::regclass",
            table,
        )
        assert row is not None, table
        guarded = {"relrowsecurity": True, "relforcerowsecurity": True, "owner": "munshi_owner"}
        assert dict(row) == guarded, table


async def test_every_index_of_a_tenants_table_is_led_by_the_tenant(admin: asyncpg.Connection) -> None:
    for table in sorted(set(TABLES) - NOT_OF_A_TENANT):
        rows = await admin.fetch(
            "SELECT i.indexrelid::regclass::text AS name, a.attname FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = $1::text::regclass",
            table,
        )
        assert rows, table
        for row in rows:
            assert row["attname"] == "tenant" or row["name"] in NOT_LED_BY_TENANT, row["name"]


async def test_every_function_of_ours_has_a_fixed_search_path_and_is_not_for_everybody(
    admin: asyncpg.Connection,
) -> None:
    rows = await admin.fetch(
        "SELECT p.oid::regprocedure::text AS name, p.proconfig, p.prosqlbody IS NOT NULL AS bound,"
        " EXISTS (SELECT FROM aclexplode(p.proacl) g WHERE g.grantee = 0) AS everybody,"
        " p.proacl IS NULL AS default_rights"
        " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        " AND p.proowner = 'munshi_owner'::regrole"
    )
    assert len(rows) > 20
    for row in rows:
        # a body bound at creation cannot be led astray by a search path
        fixed = any(setting.startswith("search_path=") for setting in row["proconfig"] or ())
        assert fixed or row["bound"], row["name"]
        assert not row["everybody"], row["name"]
        assert not row["default_rights"], row["name"]


async def test_no_role_is_more_than_it_must_be(cells: Cells, admin: asyncpg.Connection) -> None:
    rows = await admin.fetch(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles"
        " WHERE rolname = ANY($1)",
        ["munshi_owner", "munshi_services", "munshi_admin", cells.pool_role, cells.apart_role],
    )
    found = {row["rolname"]: {name for name, held in row.items() if held is True} for row in rows}
    assert found == {
        "munshi_owner": set(),
        "munshi_services": set(),
        "munshi_admin": {"rolcreaterole", "rolcanlogin"},
        cells.pool_role: {"rolcanlogin"},
        cells.apart_role: {"rolcanlogin"},
    }


async def test_services_may_not_delete_what_they_keep(admin: asyncpg.Connection) -> None:
    rows = await admin.fetch(
        "SELECT c.relname AS table_name, g.privilege_type FROM pg_class c, aclexplode(c.relacl) g"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
        " AND g.grantee = 'munshi_services'::regrole AND g.privilege_type NOT IN ('SELECT', 'INSERT')"
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], set()).add(row["privilege_type"])
    changed = {
        "lanes",
        "users",
        "conversations",
        "ledger_customers",
        "memory",
        "outbox",
        "message_costs",
        "numbers",
        "usage",
        "model_calls",
        "model_spend",
    }
    assert found == {
        **{name: {"UPDATE"} for name in changed},
        **{name: {"UPDATE", "DELETE"} for name in ("workers", "transactions", "turn_attempts")},
    }


async def test_cells_work_under_time_outs(cells: Cells) -> None:
    async with cells.pool.acquire() as connection:
        found = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    assert found == {
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
    }


async def test_the_command_line_upgrades_and_tells_the_version(db: Database) -> None:
    done = await asyncio.to_thread(command, db.admin_url, "upgrade")
    assert (done.returncode, done.stdout) == (0, f"schema {head()}, nothing to do\n")
    done = await asyncio.to_thread(command, db.admin_url, "current")
    assert (done.returncode, done.stdout) == (0, f"schema {head()}, this program knows {head()}\n")
    done = await asyncio.to_thread(command, db.admin_url, "downgrade-check")
    assert done.returncode == 0
    done = await asyncio.to_thread(command, db.admin_url, "sideways")
    assert done.returncode == 2
    done = await asyncio.to_thread(command, "", "upgrade")
    assert done.returncode == 2
    assert "MUNSHI_DATABASE_URL" in done.stderr


@pytest.mark.parametrize("verb", ["upgrade", "downgrade-check"])
async def test_a_newer_database_is_refused_and_left_alone(db: Database, verb: str) -> None:
    owner = await asyncpg.connect(db.superuser_url)
    await owner.execute("UPDATE alembic_version SET version_num = '9999'")
    done = await asyncio.to_thread(command, db.admin_url, verb)
    assert done.returncode == 1
    assert done.stderr.startswith("this data was written by a newer version of Munshi: its schema is 9999")
    assert await owner.fetchval("SELECT version_num FROM alembic_version") == "9999"
    await owner.close()


async def test_a_database_without_the_first_step_is_refused_with_advice(db: Database) -> None:
    server = await asyncpg.connect(db.superuser_url)
    await server.execute(f"CREATE ROLE \"{db.name}_stranger\" LOGIN PASSWORD 'x'")
    try:
        url = address_as(db.servers.admin_url(), f"{db.name}_stranger", "x", db.name)
        with pytest.raises(UserMistake, match="bootstrap first"):
            await upgrade(url)
        with pytest.raises(OSError, match="Connect call failed"):
            await current("postgresql://x:x@127.0.0.1:1/x")
    finally:
        await server.execute(f'DROP ROLE "{db.name}_stranger"')
        await server.close()


async def test_two_first_steps_and_upgrades_at_once_end_alike(servers: Servers) -> None:
    wanted = Bootstrap("two_at_once", ADMIN_PASSWORD)
    urls = await asyncio.gather(*(bootstrap(servers.admin_url(), wanted) for _ in range(3)))
    try:
        assert await asyncio.gather(*(upgrade(url) for url in urls)) == [head()] * 3
        assert await bootstrap(servers.admin_url(), wanted) == urls[0]
        assert await current(urls[0]) == head()
    finally:
        server = await asyncpg.connect(servers.admin_url())
        await server.execute('DROP DATABASE "two_at_once" WITH (FORCE)')
        await server.close()


async def test_an_administrator_without_superuser_rights_does_the_first_step(servers: Servers) -> None:
    """A managed PostgreSQL: CREATEROLE, CREATEDB, and the extension allowed by the provider."""
    server = await asyncpg.connect(servers.admin_url())
    await server.execute("CREATE ROLE provider_admin LOGIN CREATEROLE CREATEDB PASSWORD 'provider'")
    # on a server where another bootstrap made the roles, the provider's administrator administers them
    for role in ("munshi_owner", "munshi_services", "munshi_admin"):
        if await server.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await server.execute(f"GRANT {role} TO provider_admin WITH ADMIN TRUE, INHERIT FALSE")
    await server.execute("CREATE DATABASE managed OWNER provider_admin")
    inside = await asyncpg.connect(servers.admin_url("managed"))
    await inside.execute("CREATE EXTENSION vector")
    await inside.close()
    try:
        managed = address_as(servers.admin_url(), "provider_admin", "provider", "postgres")
        url = await bootstrap(managed, Bootstrap("managed", ADMIN_PASSWORD))
        assert await upgrade(url) == head()
    finally:
        await server.execute("DROP DATABASE IF EXISTS managed WITH (FORCE)")
        await server.execute("DROP OWNED BY provider_admin CASCADE")
        await server.execute("DROP ROLE provider_admin")
        await server.close()
