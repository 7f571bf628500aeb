"""The stage on which the orchestrator's tests play."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from munshi.bus.connection import connect
from munshi.cells import load_cell
from munshi.contracts.tenant import POOL
from orchestrator.stage import NUMBER, Stage, stub_graph
from rig.cells import Cells, credentials, tenant_document
from rig.media_service import ScriptedMedia, scripted_media
from rig.servers import Servers
from rig.services import Services


@pytest.fixture
async def stage(servers: Servers, database: str, cells: Cells, services: Services) -> AsyncIterator[Stage]:
    """A pooled Ledger tenant, a stub of the Graph API, and connections to look with."""
    secrets = credentials()
    entry = await cells.put_tenant(
        tenant_document(phone_number_id=NUMBER, limits={"messagesPerSecondPerCustomer": 100}), secrets
    )
    db = await asyncpg.connect(servers.admin_url(database))
    connection = await connect(load_cell(cells.folder / POOL), "test")
    try:
        async with stub_graph() as graph:
            yield Stage(cells, services, graph, db, connection, entry, secrets)
            services.stop_all()
    finally:
        await connection.close()
        await db.close()


@pytest.fixture
async def media(stage: Stage) -> AsyncIterator[ScriptedMedia]:
    """The media service of the stage's cell, as the test says."""
    async with scripted_media(stage.connection.client, stage.cell.name) as made:
        yield made
