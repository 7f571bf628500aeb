"""The fixtures.

- `servers`: PostgreSQL and NATS of this test session (one pair a worker). Shared: do not kill them.
- `own_servers`: a pair of one's own, for tests that break things.
- `database`: a fresh migrated database on `servers`; its name. `servers.admin_url(database)` opens it.
- `cells`: makes cells (account, streams, role, folder) on `servers` and `database`, and tenants in them.
- `services`: starts services as processes.
- `free_port`, `free_ports`: functions in `rig.ports`.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

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


def migrate(database_url: str) -> None:
    """Brings a database to the newest schema, by the program that does it everywhere."""
    done = subprocess.run(
        [sys.executable, "-m", "munshi_migrations", "upgrade"],
        env={**os.environ, "MUNSHI_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"migrations failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


async def create_database(servers: Servers, name: str, template: str | None = None) -> None:
    """Makes a database, as a copy of `template` where given."""
    connection = await asyncpg.connect(servers.admin_url())
    try:
        copied = f' template "{template}"' if template else ""
        await connection.execute(f'create database "{name}"{copied}')
    finally:
        await connection.close()


async def drop_database(servers: Servers, name: str) -> None:
    """Takes a database away, whoever is connected to it."""
    connection = await asyncpg.connect(servers.admin_url())
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


_templates: set[int] = set()


async def template_database(servers: Servers) -> str:
    """Name of a migrated database that is copied for each test; made upon first use."""
    if id(servers) not in _templates:
        await create_database(servers, "template_munshi")
        migrate(servers.admin_url("template_munshi"))
        _templates.add(id(servers))
    return "template_munshi"


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[str]:
    """Name of a fresh database with the newest schema."""
    template = await template_database(servers)
    name = f"test_{uuid.uuid4().hex[:12]}"
    await create_database(servers, name, template)
    yield name
    await drop_database(servers, name)


@pytest.fixture
async def cells(servers: Servers, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cells]:
    """Makes cells for this test; with a database where the test also asks for `database`."""
    url = (
        servers.admin_url(request.getfixturevalue("database")) if "database" in request.fixturenames else None
    )
    made = Cells(servers, tmp_path / "cells", url)
    yield made
    await made.remove()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts services as processes; all are gone after the test."""
    made = Services(tmp_path / "services")
    yield made
    made.stop_all()
