"""A migrated database a test, with the pool's cell, two tenants of it, and a dedicated third."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.db.admin import create_cell_role, drop_cell_role, upsert_tenant
from munshi.db.connection import Pool, open_pool
from munshi_migrations import Bootstrap, bootstrap, upgrade
from munshi_migrations.bootstrap import address_as
from rig.cells import tenant_document
from rig.servers import Servers

ADMIN_PASSWORD = "admin's \\pass/word"
CELL_PASSWORD = "cell's \\pass/word"
TEMPLATE = "template_of_db_tests"

SHARMA = TenantKey("shops_sharma")
VERMA = TenantKey("shops_verma")
APART = TenantKey("shops_apart")
"""A dedicated tenant: a cell of its own."""


@dataclass
class Database:
    """One migrated database of a test."""

    servers: Servers
    name: str
    pools: list[Pool] = field(default_factory=list)

    @property
    def admin_url(self) -> str:
        """As munshi_admin."""
        return address_as(self.servers.admin_url(), "munshi_admin", ADMIN_PASSWORD, self.name)

    @property
    def superuser_url(self) -> str:
        """For the eyes of a test alone."""
        return str(self.servers.admin_url(self.name))

    def cell_url(self, role: str) -> str:
        """As a cell's role."""
        return address_as(self.servers.admin_url(), role, CELL_PASSWORD, self.name)

    async def open(self, url: str, size: int = 16) -> Pool:
        """A pool that is closed with the test."""
        pool = await open_pool(url, name="test", size=size)
        self.pools.append(pool)
        return pool


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of these tests alone: `munshi_admin` has another password on them, and it is one a server."""
    running = Servers(tmp_path_factory.mktemp("db_servers"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """Name of a migrated database that is copied for each test."""

    async def make() -> None:
        await upgrade(await bootstrap(servers.admin_url(), Bootstrap(TEMPLATE, ADMIN_PASSWORD)))

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture
async def db(servers: Servers, template: str) -> AsyncIterator[Database]:
    """A fresh database with the newest schema and nothing in it."""
    made = Database(servers, f"db_{uuid.uuid4().hex[:12]}")
    server = await asyncpg.connect(servers.admin_url())
    try:
        await server.execute(f'CREATE DATABASE "{made.name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        yield made
        for pool in made.pools:
            await pool.close()
        await server.execute(f'DROP DATABASE "{made.name}" WITH (FORCE)')
    finally:
        await server.close()


@pytest.fixture
async def admin(db: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection as munshi_admin."""
    connection = await asyncpg.connect(db.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


@dataclass
class Cells:
    """The cells of a test: pools of connections as their roles."""

    pool: Pool
    """The pool's cell, with the tenants SHARMA and VERMA."""
    apart: Pool
    """The dedicated cell of APART."""
    pool_role: str
    apart_role: str


@pytest.fixture
async def cells(db: Database, admin: asyncpg.Connection) -> AsyncIterator[Cells]:
    """Two cells and three tenants, made as provisioning makes them."""
    apart_cell = CellName(APART)
    pool = await create_cell_role(admin, POOL, CELL_PASSWORD)
    apart = await create_cell_role(admin, apart_cell, CELL_PASSWORD)
    for tenant, isolation in ((SHARMA, "Pooled"), (VERMA, "Pooled"), (APART, "Dedicated")):
        document = tenant_document(name=tenant.partition("_")[2], isolation=isolation)
        await upsert_tenant(admin, tenant, document.spec)
    yield Cells(
        await db.open(db.cell_url(pool.role)), await db.open(db.cell_url(apart.role)), pool.role, apart.role
    )
    for opened in db.pools:
        await opened.close()
    for cell, tenants in ((POOL, (SHARMA, VERMA)), (apart_cell, (APART,))):
        for tenant in tenants:
            await admin.execute("SELECT purge_tenant($1)", tenant)
        await drop_cell_role(admin, cell)


@pytest.fixture
async def superuser(db: Database) -> AsyncIterator[asyncpg.Connection]:
    """Sees everything."""
    connection = await asyncpg.connect(db.superuser_url)
    yield connection
    await connection.close()
