"""All that the chart makes, over the table of values, is taken by a real API server that knows the other
projects' kinds: CloudNativePG, Prometheus' operator, KEDA, the Gateway API, cert-manager."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chart.cases import CASES
from chart.programs import folder
from chart.rendering import NAMESPACE, render
from chart.schemas import definitions_of_others
from rig.kubernetes import Cluster

TAKEN = ("apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server", "-o", "json")
OTHERS = ("cnpg.io", "coreos.com", "keda.sh", "gateway.networking.k8s.io", "cert-manager.io")


@pytest.fixture(scope="module")
def server(control_plane: Cluster) -> Iterator[Cluster]:
    """The API server with the definitions and the namespaces that the chart makes things in; all are taken
    away afterwards."""
    if not (folder() / "complete").exists():
        pytest.skip("the definitions are not there: `make chart-tools` fetches them (Go needed)")
    files = [part for file in definitions_of_others(folder() / "definitions") for part in ("-f", str(file))]
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", *files)
    until = time.monotonic() + 60
    # `kubectl wait` fails at once on a definition that has no conditions yet.
    established = ("wait", "--for=condition=Established", *files, "--timeout=5s")
    while control_plane.kubectl(*established, check=False).count("condition met") < len(files) // 2:
        assert time.monotonic() < until, control_plane.kubectl(*established)
    namespaces = {_namespace(one) for values in CASES.values() for one in render(values).objects}
    for namespace in namespaces:
        control_plane.kubectl("create", "namespace", namespace)
    yield control_plane
    control_plane.kubectl("delete", "namespace", *namespaces)
    control_plane.kubectl("delete", *files)


@pytest.mark.parametrize("name", CASES)
def test_every_object_is_taken_as_it_is(server: Cluster, name: str) -> None:
    made = list(render(CASES[name]).objects)
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for namespace in {_namespace(one) for one in made}:
        there = [one for one in made if _namespace(one) == namespace]
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": there})
        taken = json.loads(server.kubectl(*TAKEN, "--namespace", namespace, "-f", "-", stdin=given))
        found |= {_key(one): one for one in taken.get("items", [taken])}
    assert len(found) == len(made)
    for one in made:
        if any(group in one["apiVersion"] for group in OTHERS):
            lost = missing(one["spec"], found[_key(one)]["spec"])
            assert not lost, f"the definition of {one['kind']} does not know {lost}"


def test_what_a_definition_does_not_know_is_refused(server: Cluster) -> None:
    (made,) = render(CASES["CloudNativePG"]).of("Cluster")
    spec = {**made["spec"], "instnces": made["spec"]["instances"]}
    with pytest.raises(AssertionError, match="instnces"):
        server.kubectl(*TAKEN, "--namespace", NAMESPACE, "-f", "-", stdin=json.dumps({**made, "spec": spec}))


def _namespace(one: dict[str, Any]) -> str:
    return str(one["metadata"].get("namespace", NAMESPACE))


def _key(one: dict[str, Any]) -> tuple[str, str, str]:
    return one["kind"], _namespace(one), one["metadata"]["name"]


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Paths of what was given and is not there; what the server adds to it is no matter."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [one for name in wanted for one in missing(wanted[name], found.get(name), f"{path}.{name}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [one for i, (given, taken) in pairs for one in missing(given, taken, f"{path}[{i}]")]
    return [] if wanted == found else [path]
