"""The chart, by the programs that people install and check it with."""

from pathlib import Path

import pytest

from chart.programs import folder
from chart.schemas import crd_schemas, kubernetes_schemas


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the schemas by which kubeconform judges: Kubernetes' own, and those of the definitions."""
    built = folder()
    if not (built / "complete").exists():
        pytest.skip("the schemas are not there: `make chart-tools` fetches them (Go needed)")
    target = tmp_path_factory.mktemp("schemas")
    kubernetes_schemas(built / "schemas", target)
    crd_schemas(built / "definitions", target)
    return target
