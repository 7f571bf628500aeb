"""The operator's program on a real API server, with servers that its derived keys open."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from rig.api_contract import ensure_definition, way_in
from rig.api_proxy import ApiProxy, kubeconfig_to, proxy_to
from rig.fixtures import run_as_superuser, template_database
from rig.kubernetes import Cluster
from rig.outside import derived_ring
from rig.program import Program, environment_of, let_go
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
async def database(derived_servers: Servers) -> AsyncIterator[str]:
    """A fresh database; the roles that the operator made go with it."""
    template = await template_database(derived_servers)
    name = f"program_{uuid.uuid4().hex[:12]}"
    await run_as_superuser(
        derived_servers, f'create database "{name}" template "{template}" owner munshi_owner'
    )
    await run_as_superuser(
        derived_servers, f'grant connect on database "{name}" to munshi_services, munshi_admin'
    )
    yield name
    db = await asyncpg.connect(derived_servers.admin_url(name))
    roles = [row["role_name"] for row in await db.fetch("select role_name from cells")]
    await db.close()
    await run_as_superuser(derived_servers, f'drop database if exists "{name}" with (force)')
    for role in roles:
        await run_as_superuser(derived_servers, f'drop role if exists "{role}"')


@pytest.fixture
async def program(
    derived_servers: Servers, database: str, control_plane: Cluster, namespace: str, tmp_path: Path
) -> AsyncIterator[Program]:
    """A namespace with the definition installed; replicas end with the test."""
    environment = environment_of(tmp_path, namespace, derived_servers, database, control_plane.kubeconfig)
    async with way_in(control_plane.kubeconfig) as client:
        await ensure_definition(client)
        made = Program(client, namespace, tmp_path, environment)
        try:
            yield made
        finally:
            made.end()
            await let_go(client, namespace)


@pytest.fixture
async def proxy(program: Program, control_plane: Cluster, tmp_path: Path) -> AsyncIterator[ApiProxy]:
    """The program's replicas go through it; the test's own eyes do not."""
    async with proxy_to(control_plane.kubeconfig) as made:
        program.environment["KUBECONFIG"] = str(kubeconfig_to(made, tmp_path))
        yield made
        program.end()
