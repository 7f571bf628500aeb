"""A real ingress before a real nats-server. No database: ingress has none."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from ingress.meta import Meta, meta_of
from rig.cells import Cells
from rig.servers import Servers
from rig.services import Service, Services

QUICK = {"MUNSHI_DRAIN_SECONDS": "0", "MUNSHI_ACK_SECONDS": "60"}
"""An end without a pause; and a server that stands still for a moment is no server that is away."""


def _nats_alone(folder: Path) -> Iterator[Servers]:
    running = Servers(folder)
    try:
        running.nats.start()
        yield running
    finally:
        running.nats.kill()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """NATS alone, shared by this folder's tests."""
    yield from _nats_alone(tmp_path_factory.mktemp("nats"))


@pytest.fixture
def own_bus(tmp_path: Path) -> Iterator[Servers]:
    """A NATS of one's own, to be killed."""
    yield from _nats_alone(tmp_path / "own-nats")


@pytest.fixture
async def own_cells(own_bus: Servers, tmp_path: Path) -> Cells:
    """Cells on the NATS of one's own."""
    return Cells(own_bus, tmp_path / "own-cells")


StartIngress = Callable[..., Service]


@pytest.fixture
def start_ingress(services: Services) -> StartIngress:
    """Starts ingress for these cells and waits until it is ready."""

    def start(cells: Cells, **environment: str) -> Service:
        settings = {"MUNSHI_CELLS_DIR": str(cells.folder), **QUICK, **environment}
        return services.start("ingress", settings).wait_ready()

    return start


@pytest.fixture
async def ingress(cells: Cells, start_ingress: StartIngress) -> Service:
    """An ingress with one tenant, `shops_sharma-kirana`."""
    await cells.put_tenant()
    return start_ingress(cells)


@pytest.fixture
async def meta(ingress: Service) -> AsyncIterator[Meta]:
    """Posts to that ingress."""
    async with meta_of(ingress.url) as client:
        yield client
