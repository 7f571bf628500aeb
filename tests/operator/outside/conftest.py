"""The outside over real servers: NATS whose operator is derived from a master key, and PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.outside.storage import S3Storage, open_storage
from rig.object_stores import BUCKET, ROOT_KEY, ROOT_SECRET, MinioServer, running
from rig.outside import MASTER, Rig, derived_ring, rig_on
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


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Storage]:
    """The operator's own code over a MinIO."""
    server = MinioServer(tmp_path_factory.mktemp("minio"))
    with running(server):
        settings = OutsideSettings(
            object_store_endpoint=server.endpoint,
            object_store_access_key=ROOT_KEY,
            object_store_secret_key=SecretStr(ROOT_SECRET),
        )
        made = open_storage(f"s3://{BUCKET}", settings, MASTER)
        assert isinstance(made, S3Storage)
        yield made
