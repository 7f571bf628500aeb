"""The outside over real servers: NATS whose operator is derived from a master key, and PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rig.outside import Rig, derived_ring, rig_on
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
    async with rig_on(derived_servers, tmp_path) as made:
        yield made
