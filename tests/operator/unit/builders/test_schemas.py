"""The golden files against the schemas of Kubernetes and of others' kinds, and under the eyes of a linter."""

from pathlib import Path

import pytest

from chart.programs import folder, run
from chart.schemas import crd_schemas, kubernetes_schemas
from rig.golden import GOLDEN

FILES = sorted(GOLDEN.glob("*.yaml"))
_LOCATIONS = (
    "{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json",
    "{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json",
)
_IGNORED = {
    "container-ephemeral-storage-request-and-limit": "nothing is written but a /tmp with a bound of its own",
    "container-image-pull-policy": "a tag of ours never changes its content",
    "deployment-has-host-podantiaffinity": "spread by topologySpreadConstraints instead",
    "container-security-context-user-group-id": "on OpenShift the cluster chooses them",
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the schemas."""
    built = folder()
    if not (built / "complete").exists():
        pytest.skip("the schemas are not there: `tools/chart-tools` fetches them (Go needed)")
    target = tmp_path_factory.mktemp("schemas")
    kubernetes_schemas(built / "schemas", target)
    crd_schemas(built / "definitions", target)
    return target


@pytest.mark.parametrize("version", ["1.30.0", "1.34.0"])
def test_every_object_fits_its_schema(schemas: Path, version: str) -> None:
    places = [part for one in _LOCATIONS for part in ("-schema-location", f"{schemas}/{one}")]
    done = run("kubeconform", "-strict", "-summary", "-kubernetes-version", version, *places, *FILES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped: 0" in done.stdout, done.stdout


def test_the_linter_has_nothing_to_say() -> None:
    ignored = [flag for name in _IGNORED for flag in ("--ignore-test", name)]
    options = ("--output-format", "ci", "--kubernetes-version", "v1.30", "--ignore-container-cpu-limit")
    for file in FILES:
        done = run("kube-score", "score", *options, *ignored, file)
        bad = [line for line in done.stdout.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]
        assert not bad, f"{file.name}:\n" + "\n".join(bad)
