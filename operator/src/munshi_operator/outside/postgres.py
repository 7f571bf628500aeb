"""A cell's role, a tenant's row and their rights, as `munshi_admin` over one small pool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL, WhatsAppTenantSpec
from munshi.db.admin import create_cell_role, delete_tenant, drop_cell_role, role_of_cell, upsert_tenant
from munshi.db.moves import adopt_sends, move_tenant, pending_sends
from munshi.db.quoting import identifier, literal
from munshi.db.role_check import look_at_role, look_at_tenant
from munshi.errors import Permanent
from munshi.provision.cells import as_user
from munshi_operator.outside.plan import CellPlan, own_cell

_SECONDS = 15.0

PGBOUNCER = "munshi_pgbouncer"
"""Role with which PgBouncer asks; the whole server's, like every role."""
_TELL_PGBOUNCER = """
INSERT INTO cell_logins (cell, verifier) VALUES ($1, $2)
ON CONFLICT (cell) DO UPDATE SET verifier = excluded.verifier WHERE cell_logins.verifier <> excluded.verifier
"""


@dataclass
class Postgres:
    """One database."""

    url: str = field(repr=False)
    """Of `munshi_admin`, on the server itself and not behind PgBouncer: sessions hold locks."""
    connections: int
    _pool: asyncpg.Pool | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def database(self) -> str:
        """Its name."""
        return unquote(urlsplit(self.url).path.lstrip("/"))

    def role(self, cell: CellName) -> str:
        """The login of a cell."""
        return role_of_cell(self.database, cell)

    async def ensure_cell(self, plan: CellPlan) -> list[str]:
        """Makes or repairs a cell's role and row; names what was not so.

        Raises:
            Permanent: the role has rights that no cell gets, and that only a superuser can take away.
        """
        role = self.role(plan.cell)
        async with self._connection() as connection:
            state = await look_at_role(connection, plan.cell, role, plan.database_connections, plan.verifier)
            if state.too_much:
                raise Permanent(
                    f"the role {role} has {', '.join(state.too_much)}, which no tenant's role gets: it would "
                    "see other tenants' rows; take it away as a superuser",
                    "RoleTooPowerful",
                )
            wrong = list(state.lacks) or ([] if await self._lets_in(plan) else ["password"])
            if wrong:
                await create_cell_role(connection, plan.cell, plan.verifier)
                await connection.execute(
                    f"ALTER ROLE {identifier(role)} CONNECTION LIMIT {plan.database_connections}"
                )
                await connection.execute(_TELL_PGBOUNCER, plan.cell, plan.verifier)
        return [f"database {one}" for one in wrong]

    async def _lets_in(self, plan: CellPlan) -> bool:
        """Whether the role's password is the derived one. Only a login can tell: hashes are not shown."""
        url = as_user(self.url, self.role(plan.cell), plan.keys.database_password)
        try:
            connection = await asyncpg.connect(
                url, timeout=_SECONDS, server_settings={"application_name": "munshi-operator-check"}
            )
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            return False
        except asyncpg.TooManyConnectionsError:
            return True  # let in, and full
        await connection.close()
        return True

    async def ensure_pgbouncer(self, password: str) -> None:
        """Makes the role with which PgBouncer asks for verifiers: of cells' roles, and of nobody else's."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('munshi.role:' || $1, 0))", PGBOUNCER
            )
            there = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
            if not await connection.fetchval(there, PGBOUNCER):
                await connection.execute(f"CREATE ROLE {PGBOUNCER} NOLOGIN")
            await connection.execute(f"ALTER ROLE {PGBOUNCER} LOGIN PASSWORD {literal(password)}")
            await connection.execute("SET LOCAL ROLE munshi_owner")
            await connection.execute(f"GRANT CONNECT ON DATABASE {identifier(self.database)} TO {PGBOUNCER}")
            await connection.execute(f"GRANT EXECUTE ON FUNCTION cell_verifier TO {PGBOUNCER}")

    async def ensure_tenant(
        self, key: TenantKey, plan: CellPlan, spec: WhatsAppTenantSpec
    ) -> tuple[bool, bool]:
        """Makes or renews a tenant's row, but moves no rights: a row that another cell serves stays there.

        Returns whether the row is of this cell, and whether it had to be written.
        """
        async with self._connection() as connection:
            row = await look_at_tenant(connection, key)
            elsewhere = row is not None and row.cell not in {None, plan.cell}
            if elsewhere or (row is not None and row.cell == plan.cell and row.holds(spec)):
                return not elsewhere, False
            async with connection.transaction():
                await upsert_tenant(connection, key, spec)
                await adopt_sends(connection, key, plan.cell, plan.partitions)
            return True, True

    async def has_cell(self, cell: CellName) -> bool:
        """Whether a cell is known."""
        async with self._connection() as connection:
            return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM cells WHERE cell = $1)", cell))

    async def pending(self, key: TenantKey, cell: CellName) -> int:
        """Rows of a tenant's outbox in a cell's lanes that are not settled."""
        async with self._connection() as connection:
            return await pending_sends(connection, key, cell)

    async def move(self, key: TenantKey, old: CellName, new: CellPlan) -> None:
        """Hands a tenant's rows over."""
        async with self._connection() as connection:
            await move_tenant(connection, key, old, new.cell, new.partitions)

    async def withdraw(self, key: TenantKey, cell: CellName) -> None:
        """Takes a cell's rights over a tenant away, if it has them; the data stays. A dedicated cell's login
        is closed with it."""
        async with self._connection() as connection:
            row = await look_at_tenant(connection, key)
            if row is not None and row.cell == cell:
                await delete_tenant(connection, key, purge=False)
            if cell != POOL:
                await self._close_login(connection, cell)

    async def erase(self, key: TenantKey) -> None:
        """Takes all rows of a tenant away, and the role of its own cell."""
        async with self._connection() as connection:
            await delete_tenant(connection, key, purge=True)
            await drop_cell_role(connection, own_cell(key))

    async def drop_cell(self, cell: CellName) -> None:
        """Takes a dedicated cell's role and row away; no tenant may belong to it."""
        async with self._connection() as connection:
            await drop_cell_role(connection, cell)

    async def close(self) -> None:
        """Closes the pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _close_login(self, connection: asyncpg.Connection, cell: CellName) -> None:
        role = self.role(cell)
        if await connection.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"ALTER ROLE {identifier(role)} NOLOGIN")

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=0,
                    max_size=self.connections,
                    max_inactive_connection_lifetime=60.0,
                    timeout=_SECONDS,
                    command_timeout=_SECONDS,
                    server_settings={"application_name": "munshi-operator"},
                )
        async with self._pool.acquire(timeout=2 * _SECONDS) as connection:
            yield connection
