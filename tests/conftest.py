"""Makes the fixtures of `tests/rig` known everywhere, and keeps tests that share a start together."""

import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# Appended, never put first: folders such as `tests/platform` must not hide modules of the standard library.
sys.path.append(str(Path(__file__).parent))

# How long a machine takes, loaded as it may be, is no property of what is tested.
settings.register_profile("munshi", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("munshi")

pytest_plugins = ["rig.fixtures", "rig.cluster_fixtures"]

_BY_FILE = {"platform", "browser", "faults"}
"""Folders whose files each share one platform or browser, made once."""


class _ByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Spreads tests over the workers one by one, those of the folders above file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return file if _BY_FILE & set(PurePosixPath(file).parts) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Takes the place of `--dist loadgroup`, whose marks this pytest no longer passes on."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadgroup" else None
