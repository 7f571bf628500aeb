"""Provisioning: roles and rows of cells and tenants. As `munshi_admin`, who is no superuser. Idempotent."""

import hashlib
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import PLATFORM, POOL, WhatsAppTenantSpec, cell_of
from munshi.db.quoting import identifier, literal

ROLE_SETTINGS = {
    "statement_timeout": "5s",  # a turn's commit takes a millisecond; 5 s is a fault, and is tried again
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",  # compiles for longer than our statements run
    # every statement of ours finds rows by their keys: planning for single values costs more than it gives
    "plan_cache_mode": "force_generic_plan",
    "timezone": "UTC",
}
"""What every cell's role is given; a session may still set others for itself."""


@dataclass(frozen=True, slots=True)
class CellRole:
    """A cell's login."""

    cell: CellName
    role: str


def role_of_cell(database: str, cell: CellName) -> str:
    """Name of a cell's login role. Roles are the whole server's, so the database is in it."""
    digest = hashlib.sha256(f"{database}\x00{cell}".encode()).hexdigest()[:16]
    return f"munshi_cell_{digest}"


async def create_cell_role(connection: asyncpg.Connection, cell: CellName, password: str) -> CellRole:
    """Makes or repairs a cell's role and row, and sets the password."""
    role = role_of_cell(await connection.fetchval("SELECT current_database()"), cell)
    async with connection.transaction():
        await _one_at_a_time(connection, role)
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await connection.execute(f"CREATE ROLE {identifier(role)} NOLOGIN")
        await connection.execute(f"ALTER ROLE {identifier(role)} LOGIN PASSWORD {literal(password)}")
        await connection.execute(f"GRANT munshi_services TO {identifier(role)}")
        for setting, value in ROLE_SETTINGS.items():
            await connection.execute(f"ALTER ROLE {identifier(role)} SET {setting} = {literal(value)}")
        await connection.execute(
            "INSERT INTO cells (cell, role_name) VALUES ($1, $2)"
            " ON CONFLICT (cell) DO UPDATE SET role_name = excluded.role_name"
            " WHERE cells.role_name <> excluded.role_name",
            cell,
            role,
        )
        if cell == POOL:
            await _ensure_platform(connection, role)
    return CellRole(cell, role)


async def drop_cell_role(connection: asyncpg.Connection, cell: CellName) -> None:
    """Takes a cell away: its connections, its role, its leases. Its tenants must have gone.

    Raises:
        asyncpg.ForeignKeyViolationError: a tenant still belongs to it.
    """
    role = role_of_cell(await connection.fetchval("SELECT current_database()"), cell)
    async with connection.transaction():
        await _one_at_a_time(connection, role)
        if cell == POOL:
            await delete_tenant(connection, PLATFORM, purge=False)
        await connection.execute("DELETE FROM cells WHERE cell = $1", cell)
        if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await connection.execute(f"ALTER ROLE {identifier(role)} NOLOGIN")
            await connection.execute(f"DROP ROLE {identifier(role)}")


async def upsert_tenant(connection: asyncpg.Connection, tenant: TenantKey, spec: WhatsAppTenantSpec) -> None:
    """Makes or renews a tenant's row; its cell must be there. A tenant that was deleted lives again.

    A tenant that changes its cell takes its rows along: only the role that may see them changes.

    Raises:
        asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError: the cell is not there.
    """
    await connection.execute(
        "INSERT INTO tenants (tenant, cell, role_name, display_name, assistant, time_zone, books)"
        " VALUES ($1, $2, (SELECT role_name FROM cells WHERE cell = $2), $3, $4, $5, $6::text::jsonb)"
        " ON CONFLICT (tenant) DO UPDATE SET cell = excluded.cell, role_name = excluded.role_name,"
        " display_name = excluded.display_name, assistant = excluded.assistant,"
        " time_zone = excluded.time_zone, books = excluded.books, deleted_at = NULL",
        tenant,
        cell_of(tenant, spec),
        spec.display_name,
        spec.assistant.value,
        spec.time_zone,
        orjson.dumps(books_of(spec)).decode(),
    )


async def delete_tenant(connection: asyncpg.Connection, tenant: TenantKey, *, purge: bool) -> None:
    """Deletes a tenant: no role sees its data any more, or (`purge`) all its data goes for good.

    Retained data is seen again when a tenant of the same key is made.
    """
    if purge:
        await connection.execute("SELECT purge_tenant($1)", tenant)
    else:
        await connection.execute(
            "UPDATE tenants SET deleted_at = now(), cell = NULL, role_name = NULL"
            " WHERE tenant = $1 AND deleted_at IS NULL",
            tenant,
        )


async def _ensure_platform(connection: asyncpg.Connection, role: str) -> None:
    # Without a row of its own, row-level security would refuse the dead letters that are nobody's.
    await connection.execute(
        "INSERT INTO tenants (tenant, cell, role_name, display_name, assistant, time_zone)"
        " VALUES ($1, $2, $3, 'Platform', 'None', 'UTC')"
        " ON CONFLICT (tenant) DO UPDATE SET cell = excluded.cell, role_name = excluded.role_name,"
        " deleted_at = NULL",
        PLATFORM,
        POOL,
        role,
    )


def books_of(spec: WhatsAppTenantSpec) -> dict[str, Any]:
    """What SQL must know of the assistant's settings."""
    block = getattr(spec, spec.assistant.value.lower())
    return {} if block is None else dict(block.model_dump(mode="json"))


async def _one_at_a_time(connection: asyncpg.Connection, role: str) -> None:
    # Two at once would meet in "tuple concurrently updated".
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"munshi.role:{role}")
