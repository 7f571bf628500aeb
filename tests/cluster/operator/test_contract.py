"""A real API server keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from rig.api_contract import *  # noqa: F403
from rig.api_contract import Ground, RealGround, ensure_definition, way_in
from rig.kubernetes import Cluster


@pytest.fixture
async def ground(control_plane: Cluster, namespace: str) -> AsyncIterator[Ground]:
    """With the definition installed."""
    async with way_in(control_plane.kubeconfig) as client:
        await ensure_definition(client)
        yield RealGround(client, namespace)
