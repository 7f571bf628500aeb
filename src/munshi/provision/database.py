"""A cell's role and a tenant's row: short connections as `munshi_admin`, one for each errand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

import asyncpg

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import TenantEntry
from munshi.db.admin import create_cell_role, delete_tenant, drop_cell_role, role_of_cell, upsert_tenant
from munshi.provision.cells import as_user
from munshi.provision.key_ring import CellKeys

_TIMEOUT_SECONDS = 15.0


@asynccontextmanager
async def _admin(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        url, timeout=_TIMEOUT_SECONDS, server_settings={"application_name": "munshi-provisioning"}
    )
    try:
        yield connection
    finally:
        await connection.close()


def cell_url(admin_url: str, cell: CellName, keys: CellKeys) -> str:
    """The DSN of a cell's own role, known before the role is made."""
    database = unquote(urlsplit(admin_url).path.lstrip("/"))
    return as_user(admin_url, role_of_cell(database, cell), keys.database_password)


async def ensure_cell(admin_url: str, cell: CellName, keys: CellKeys) -> str:
    """Makes or repairs the cell's role and row; gives back its DSN."""
    async with _admin(admin_url) as connection:
        await create_cell_role(connection, cell, keys.database_password)
    return cell_url(admin_url, cell, keys)


async def ensure_tenant(admin_url: str, entry: TenantEntry) -> None:
    """Makes or renews the tenant's row; its cell must be there."""
    async with _admin(admin_url) as connection:
        await upsert_tenant(connection, entry.key, entry.spec)


async def remove_tenant(admin_url: str, key: TenantKey, *, erase: bool) -> None:
    """Ends the tenant's access to its rows; with `erase` takes the rows away for good."""
    async with _admin(admin_url) as connection:
        await delete_tenant(connection, key, purge=erase)


async def remove_cell(admin_url: str, cell: CellName) -> None:
    """Takes the cell's role and row away; its tenants must be gone."""
    async with _admin(admin_url) as connection:
        await drop_cell_role(connection, cell)
