"""The API server in memory keeps the contract."""

import pytest

from rig.api_contract import *  # noqa: F403
from rig.api_contract import Ground, MemoryGround


@pytest.fixture
def ground() -> Ground:
    """In memory."""
    return MemoryGround()
