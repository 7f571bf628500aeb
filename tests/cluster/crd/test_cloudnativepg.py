"""The chart's database by CloudNativePG, against that project's own definition on a real API server."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chart.cases import CASES
from chart.rendering import merged, render
from rig.kubernetes import Cluster

MODULE = "github.com/cloudnative-pg/cloudnative-pg@v1.28.0"
SUM = "h1:vkv0a0ewDSfJOPJrsyUr4uczsxheReAWf/k171V0Dm0="
"""Of the module as Go's checksum database has it."""
DEFINITION = "config/crd/bases/postgresql.cnpg.io_clusters.yaml"
BACKUP = {
    "volumeSnapshot": {"className": "csi-snapshots"},
    "retentionPolicy": "30d",
}


@pytest.fixture(scope="module")
def definition() -> Path:
    """The file of the definition, out of Go's module."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not here: it fetches CloudNativePG's module")
    done = subprocess.run(
        [go, "mod", "download", "-json", MODULE], capture_output=True, text=True, check=False, cwd="/"
    )
    found = json.loads(done.stdout or "{}")
    if "Dir" not in found:
        pytest.skip(f"{MODULE} cannot be had: {found.get('Error') or done.stderr}")
    assert found["Sum"] == SUM
    return Path(found["Dir"]) / DEFINITION


@pytest.fixture(scope="module")
def installed(control_plane: Cluster, definition: Path) -> Iterator[Cluster]:
    """The API server with the definition; taken away afterwards."""
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(definition))
    until = time.monotonic() + 60
    # `kubectl wait` fails at once on a definition that has no conditions yet.
    established = ("wait", "--for=condition=Established", "-f", str(definition), "--timeout=5s")
    while "condition met" not in control_plane.kubectl(*established, check=False):
        assert time.monotonic() < until, control_plane.kubectl(*established)
    yield control_plane
    control_plane.kubectl("delete", "-f", str(definition))


@pytest.mark.parametrize("backup", [False, True])
def test_the_chart_s_cluster_is_taken_as_it_is(
    installed: Cluster, namespace: str, definition: Path, backup: bool
) -> None:
    values = CASES["CloudNativePG"]
    if backup:
        values = merged(values, {"cloudnativepg": {"backup": BACKUP}})
    (made,) = render(values).of("Cluster")
    made["metadata"]["namespace"] = namespace
    strict = ("--validate=strict", "--dry-run=server", "-o", "json", "-f", "-")
    taken: dict[str, Any] = json.loads(installed.kubectl("create", *strict, stdin=json.dumps(made)))
    lost = missing(made["spec"], taken["spec"])
    assert not lost, f"{definition.name} does not know {lost}"


def test_what_the_definition_does_not_know_is_refused(installed: Cluster, namespace: str) -> None:
    (made,) = render(CASES["CloudNativePG"]).of("Cluster")
    made["metadata"]["namespace"] = namespace
    made["spec"]["instnces"] = made["spec"].pop("instances")
    with pytest.raises(AssertionError, match="instnces"):
        installed.kubectl(
            "create", "--validate=strict", "--dry-run=server", "-f", "-", stdin=json.dumps(made)
        )


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Paths of what was given and is not there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [one for name in wanted for one in missing(wanted[name], found.get(name), f"{path}.{name}")]
    return [] if wanted == found else [path]
