"""What the builders make, on a real API server: taken as it is, at rest when applied again, restricted."""

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from munshi_operator.api import FIELD_MANAGER
from munshi_operator.drift import changed, owned_fields, stamped
from munshi_operator.types import Manifest
from rig.golden import cases
from rig.kubernetes import RESTRICTED, Cluster

ROOT = Path(__file__).parents[3]
FOREIGN = {
    "HTTPRoute": "gateway.networking.k8s.io_httproutes.yaml",
    "ScaledObject": "keda.sh_scaledobjects.yaml",
}
"""Kinds of other projects, with the files of their definitions."""


@pytest.fixture(scope="module")
def known(control_plane: Cluster) -> frozenset[str]:
    """Kinds of other projects that are installed, from what `tools/chart-tools` has fetched."""
    folder = subprocess.run(
        [ROOT / "tools" / "chart-tools", "--path"], capture_output=True, text=True, check=True
    ).stdout.strip()
    there = {kind: Path(folder) / "definitions" / file for kind, file in FOREIGN.items()}
    for kind, file in there.items():
        if not file.exists():
            pytest.skip(f"the definition of {kind} is not here: `tools/chart-tools` fetches it")
    for file in there.values():
        control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(file))
        control_plane.kubectl("wait", "--for=condition=Established", "-f", str(file), "--timeout=30s")
    return frozenset(there)


@pytest.fixture
def shop(control_plane: Cluster) -> Iterator[str]:
    """A namespace that takes restricted pods only."""
    with control_plane.namespace("shop", labels=RESTRICTED) as name:
        yield name


def placed(manifests: list[Manifest], namespace: str) -> list[Manifest]:
    """Copies for a namespace, with an owner that lives there."""
    text = json.dumps(manifests).replace('"namespace": "shops"', f'"namespace": "{namespace}"')
    made: list[Manifest] = json.loads(text)
    return made


def owned(cluster: Cluster, manifests: list[Manifest], namespace: str) -> list[Manifest]:
    """The same, owned by an object that is really there: what has no owner is collected at once."""
    core: Any = client.CoreV1Api(cluster.client)
    owner = core.create_namespaced_config_map(namespace, {"metadata": {"name": "owner"}})
    made = placed(manifests, namespace)
    for one in made:
        one["metadata"]["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
        ]
    return made


def apply(cluster: Cluster, manifests: list[Manifest]) -> list[Manifest]:
    """As the operator would; gives back what the server has then."""
    options = ("--server-side", f"--field-manager={FIELD_MANAGER}", "--show-managed-fields", "-o", "json")
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    told = cluster.kubectl("apply", *options, "-f", "-", stdin=listed)
    found = json.loads(told)
    items: list[Manifest] = found["items"] if found["kind"] == "List" else [found]
    return items


@pytest.mark.parametrize("case", sorted(cases()))
def test_the_api_server_takes_every_object_and_has_nothing_to_change_at_rest(
    control_plane: Cluster, shop: str, known: frozenset[str], case: str
) -> None:
    del known
    wanted = [stamped(one) for one in owned(control_plane, cases()[case], shop)]
    first = apply(control_plane, wanted)
    for manifest, found in zip(wanted, first, strict=True):
        assert changed(manifest, found, owned_fields(found)) == [], manifest["kind"]
    written = [one["metadata"]["resourceVersion"] for one in apply(control_plane, wanted) if settled(one)]
    assert written == [one["metadata"]["resourceVersion"] for one in first if settled(one)]


def settled(manifest: Manifest) -> bool:
    """Not one whose status controllers write meanwhile."""
    return manifest["kind"] not in {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"}


@pytest.mark.parametrize("case", [name for name in sorted(cases()) if name.startswith("dedicated")])
def test_pods_of_the_templates_are_admitted_where_only_restricted_ones_are(
    control_plane: Cluster, shop: str, case: str
) -> None:
    core: Any = client.CoreV1Api(control_plane.client)
    made = placed(cases()[case], shop)
    for account in (one for one in made if one["kind"] == "ServiceAccount"):
        core.create_namespaced_service_account(shop, without_owner(account))
    for one in made:
        if one["kind"] == "Deployment":
            template = copy.deepcopy(one["spec"]["template"])
            template["spec"].pop("priorityClassName", None)
            pod = {**template, "metadata": {**template["metadata"], "name": one["metadata"]["name"]}}
            core.create_namespaced_pod(shop, pod, dry_run="All")


def without_owner(manifest: Manifest) -> dict[str, Any]:
    return {**manifest, "metadata": {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}}


def test_an_autoscaler_keeps_its_number_when_the_operator_applies(
    control_plane: Cluster, shop: str, known: frozenset[str]
) -> None:
    del known
    wanted = owned(control_plane, cases()["dedicated-everything-said"], shop)
    apply(control_plane, wanted)
    name = "sharma-kirana-ingress"
    control_plane.kubectl("-n", shop, "scale", "deployment", name, "--replicas=4")
    apply(control_plane, wanted)
    apps: Any = client.AppsV1Api(control_plane.client)
    held = apps.read_namespaced_deployment(name, shop)
    assert held.spec.replicas == 4


def test_a_tenant_that_wakes_has_a_pod_again(
    control_plane: Cluster, shop: str, known: frozenset[str]
) -> None:
    del known
    apps: Any = client.AppsV1Api(control_plane.client)
    name = "sharma-kirana-orchestrator"
    asleep = owned(control_plane, cases()["dedicated-asleep"], shop)
    apply(control_plane, asleep)
    assert apps.read_namespaced_deployment(name, shop).spec.replicas == 0
    reference = asleep[0]["metadata"]["ownerReferences"]
    awake = placed(cases()["dedicated-everything-said"], shop)
    for one in awake:
        one["metadata"]["ownerReferences"] = reference
    apply(control_plane, awake)
    assert apps.read_namespaced_deployment(name, shop).spec.replicas == 1
