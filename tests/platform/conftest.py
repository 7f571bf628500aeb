"""A platform that runs, with the tenants of `examples/`; one for the tests of a file."""

from collections.abc import Iterator

import pytest

from rig.platform import EXAMPLES, PlatformRig, platform_in


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformRig]:
    """By `munshi up`."""
    with platform_in(tmp_path_factory.mktemp("platform") / "data") as rig:
        yield rig.up("--tenants", str(EXAMPLES))
