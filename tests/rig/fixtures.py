"""The fixtures.

- `servers`: PostgreSQL and NATS of this test session (one pair a worker). Shared: do not kill them.
- `own_servers`: a pair of one's own, for tests that break things.
- `database`: a fresh migrated database on `servers`; its name. `servers.admin_url(database)` opens it as the
  superuser, `servers.munshi_admin_url(database)` as `munshi_admin`.
- `cells`: makes cells (account, streams, role, folder) on `servers` and `database`, and tenants in them.
- `services`: starts services as processes.
- `free_port`, `free_ports`: functions in `rig.ports`.
"""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from munshi_migrations.bootstrap import Bootstrap, bootstrap
from rig.cells import Cells
from rig.servers import Servers
from rig.services import Services


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Real servers, shared by all tests of this worker."""
    running = Servers(tmp_path_factory.mktemp("servers"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[Servers]:
    """Real servers of this test alone, to be killed and restarted."""
    running = Servers(tmp_path / "servers")
    try:
        running.start()
        yield running
    finally:
        running.stop()


async def migrated_database(servers: Servers, name: str) -> str:
    """Makes a database with roles and the newest schema, by the programs that do it everywhere.

    Gives back the DSN of `munshi_admin` (no superuser; sees all tenants).
    """
    wanted = Bootstrap(name, servers.ring.database_admin_password)
    url = await bootstrap(servers.admin_url(), wanted)
    done = await asyncio.to_thread(_upgrade, url)
    if done.returncode != 0:
        raise RuntimeError(f"migrations failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return url


def _upgrade(url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "munshi_migrations", "upgrade"],
        env={**os.environ, "MUNSHI_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


async def run_as_superuser(servers: Servers, statement: str) -> None:
    """One statement on the server's own database."""
    connection = await asyncpg.connect(servers.admin_url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


_templates: set[Servers] = set()


async def template_database(servers: Servers) -> str:
    """Name of a migrated database that is copied for each test; made upon first use."""
    if servers not in _templates:
        await migrated_database(servers, "template_munshi")
        _templates.add(servers)
    return "template_munshi"


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[str]:
    """Name of a fresh database with the newest schema."""
    template = await template_database(servers)
    name = f"test_{uuid.uuid4().hex[:12]}"
    await run_as_superuser(servers, f'create database "{name}" template "{template}" owner munshi_owner')
    await run_as_superuser(servers, f'grant connect on database "{name}" to munshi_services, munshi_admin')
    yield name
    await run_as_superuser(servers, f'drop database if exists "{name}" with (force)')


@pytest.fixture
def database_if_wanted(request: pytest.FixtureRequest) -> str | None:
    """Name of the test's database, where it has one. Plain, since it looks up an asynchronous fixture."""
    wanted = "database" in request.fixturenames
    return str(request.getfixturevalue("database")) if wanted else None


@pytest.fixture
async def cells(servers: Servers, database_if_wanted: str | None, tmp_path: Path) -> AsyncIterator[Cells]:
    """Makes cells for this test; with a database where the test also asks for `database`."""
    url = servers.munshi_admin_url(database_if_wanted) if database_if_wanted else None
    made = Cells(servers, tmp_path / "cells", url)
    yield made
    await made.remove()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts services as processes; all are gone after the test."""
    made = Services(tmp_path / "services")
    yield made
    made.stop_all()
