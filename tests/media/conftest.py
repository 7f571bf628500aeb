"""The media service as a process, with engines that do as a test says."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.stage import Stage, make_engines
from munshi_emulator.testing import EmulatorProcess
from rig.servers import Servers
from rig.services import Services


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """NATS alone, shared by this folder's tests."""
    running = Servers(tmp_path_factory.mktemp("nats"))
    try:
        running.nats.start()
        yield running
    finally:
        running.nats.kill()


@pytest.fixture(scope="session")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """The stand-in for Meta; each test has a number of its own on it."""
    process = EmulatorProcess(tmp_path_factory.mktemp("emulator"))
    asyncio.run(process.start())
    yield process
    process.stop()


@pytest.fixture(scope="session")
def stage(
    servers: Servers, meta: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A service over a folder, shared: a test has a tenant of its own, and leaves engines well."""
    folder = tmp_path_factory.mktemp("media")
    engines = make_engines(folder / "engines", "documents", "speech", "voices")
    services = Services(folder / "services")
    made = Stage(folder, servers, meta, services, engines)
    asyncio.run(made.open())
    yield made
    services.stop_all()
    asyncio.run(made.cells.remove())


@pytest.fixture
def own_stage(servers: Servers, meta: EmulatorProcess, tmp_path: Path, services: Services) -> Iterator[Stage]:
    """A stage of one's own, whose service is not started: to be killed, or set otherwise."""
    engines = make_engines(tmp_path / "engines", "documents", "speech", "voices")
    made = Stage(tmp_path, servers, meta, services, engines)
    yield made
    services.stop_all()
    asyncio.run(made.cells.remove())
