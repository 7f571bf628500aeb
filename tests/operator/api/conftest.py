"""The stage on which operators are tried."""

import pytest

from rig.operating import Stage


@pytest.fixture
def stage() -> Stage:
    """An empty cluster in memory."""
    return Stage()
