"""The outside over real servers: NATS whose operator is derived from a master key, and PostgreSQL."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from munshi.contracts.tenant import POOL
from munshi_operator.outside import open_outside
from munshi_operator.settings import OperatorSettings
from rig.fixtures import run_as_superuser, template_database
from rig.outside import MASTER, SMALL, Rig, derived_ring
from rig.servers import Servers


@pytest.fixture(scope="session")
def derived_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that the derived keys open."""
    running = Servers(tmp_path_factory.mktemp("derived"), derived_ring())
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
async def rig(derived_servers: Servers, tmp_path: Path) -> AsyncIterator[Rig]:
    """The outside over a fresh database; accounts and roles of the test are taken away after it."""
    servers = derived_servers
    template = await template_database(servers)
    name = f"outside_{uuid.uuid4().hex[:12]}"
    await run_as_superuser(servers, f'create database "{name}" template "{template}" owner munshi_owner')
    await run_as_superuser(servers, f'grant connect on database "{name}" to munshi_services, munshi_admin')
    key_file = tmp_path / "master-key"
    key_file.write_text(MASTER.secret.hex())
    settings = OperatorSettings(
        master_key_file=key_file,
        database_url=servers.munshi_admin_url(name),
        nats_url=servers.nats_program.url,
    )
    db = await asyncpg.connect(servers.admin_url(name))
    try:
        async with open_outside(settings, SMALL) as outside:
            outside.settle_seconds = 0.2
            made = Rig(servers, name, tmp_path / "cells", outside, db)
            await outside.ensure_platform()
            yield made
            for cell in made.made | {POOL}:
                await outside._remove_account(cell)
        roles = [row["role_name"] for row in await db.fetch("select role_name from cells")]
    finally:
        await db.close()
    await run_as_superuser(servers, f'drop database if exists "{name}" with (force)')
    for role in roles:
        await run_as_superuser(servers, f'drop role if exists "{role}"')
