"""`WhatsAppTenant` on a real API server: what it refuses, in which words; what it fills in."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from kubernetes import client

from munshi.contracts.crd import NAME
from munshi.contracts.tenant import GROUP, PLURAL, VERSION, WhatsAppTenantSpec
from rig.kubernetes import Cluster
from rig.refusals import GOOD, Refusal, refusals
from rig.tenant_specs import resource, specs

ROOT = Path(__file__).parents[3]
DEFINITION = ROOT / "crds" / f"{NAME}.yaml"
PATH = (GROUP, VERSION)


@pytest.fixture(scope="module")
def tenants(control_plane: Cluster) -> Any:
    """The API of tenants, with the definition installed."""
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(DEFINITION))
    control_plane.kubectl("wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=30s")
    return client.CustomObjectsApi(control_plane.client)


@pytest.fixture(scope="module")
def shops(control_plane: Cluster) -> Iterator[str]:
    """A namespace for what leaves nothing behind."""
    with control_plane.namespace("shops") as name:
        yield name


def create(api: Any, namespace: str, document: dict[str, Any], *, keep: bool = False) -> dict[str, Any]:
    body = copy.deepcopy(document)
    body["metadata"]["namespace"] = namespace
    options = {} if keep else {"dry_run": "All"}
    made: dict[str, Any] = api.create_namespaced_custom_object(
        *PATH, namespace, PLURAL, body, field_validation="Strict", **options
    )
    return made


def write(api: Any, namespace: str, document: dict[str, Any], held: dict[str, Any] | None) -> None:
    """Creates the resource, or changes the one that is held into it."""
    if held is None:
        create(api, namespace, document)
    else:
        body = {**held, "spec": document["spec"]}
        api.replace_namespaced_custom_object(*PATH, namespace, PLURAL, held["metadata"]["name"], body)


def words(error: Any) -> str:
    said: str = json.loads(error.body)["message"]
    return said


def test_the_definition_is_structural_and_within_its_budget(control_plane: Cluster, tenants: Any) -> None:
    del tenants
    api: Any = client.ApiextensionsV1Api(control_plane.client)
    found = api.read_custom_resource_definition(NAME)
    conditions = {one.type: one.status for one in found.status.conditions}
    assert conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions


@pytest.mark.parametrize("one", refusals(), ids=lambda one: one.name)
def test_the_api_server_refuses_in_the_tables_words(tenants: Any, namespace: str, one: Refusal) -> None:
    held = create(tenants, namespace, one.before, keep=True) if one.before is not None else None
    with pytest.raises(client.ApiException) as caught:
        write(tenants, namespace, one.resource, held)
    assert caught.value.status in {400, 422}
    assert one.api in words(caught.value)


def test_the_examples_are_taken(control_plane: Cluster, tenants: Any) -> None:
    del tenants
    control_plane.kubectl("create", "namespace", "shops", check=False)
    told = control_plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", str(ROOT / "examples"))
    assert told.count("whatsapptenant.munshi.dev/") == len(list((ROOT / "examples").glob("*.yaml")))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spec=specs())
def test_what_the_contract_takes_the_api_server_takes_and_completes_alike(
    tenants: Any, shops: str, spec: dict[str, Any]
) -> None:
    made = create(tenants, shops, resource(spec))
    read = WhatsAppTenantSpec.model_validate(made["spec"], by_alias=True, by_name=False)
    assert read == WhatsAppTenantSpec.model_validate(spec)
    # What the server filled in is what the contract would have: nothing is left to be filled in later.
    wanted = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    for number in wanted["whatsapp"]["phoneNumbers"]:
        number.pop("displayPhoneNumber")
    assert made["spec"] == wanted


def test_isolation_changes_both_ways(tenants: Any, namespace: str) -> None:
    held = create(tenants, namespace, GOOD, keep=True)
    for isolation in ("Pooled", "Dedicated"):
        held["spec"]["isolation"] = isolation
        held = tenants.replace_namespaced_custom_object(
            *PATH, namespace, PLURAL, held["metadata"]["name"], held
        )
        assert held["spec"]["isolation"] == isolation
    assert held["metadata"]["generation"] == 3


def test_a_paused_tenant_may_change_in_other_ways_and_sleep_as_it_goes_on(
    tenants: Any, namespace: str
) -> None:
    held = create(tenants, namespace, GOOD, keep=True)
    for change in (
        {"paused": True, "hibernated": True},
        {"displayName": "Sharma"},
        {"paused": False, "hibernated": False},
    ):
        held["spec"] |= change
        held = tenants.replace_namespaced_custom_object(
            *PATH, namespace, PLURAL, held["metadata"]["name"], held
        )
    assert held["spec"]["hibernated"] is False


def test_kubectl_scales_and_shows_a_tenant(control_plane: Cluster, tenants: Any, namespace: str) -> None:
    name = GOOD["metadata"]["name"]
    create(tenants, namespace, GOOD, keep=True)
    control_plane.kubectl("-n", namespace, "scale", "wat", name, "--replicas=3")
    status = {
        "replicas": 3,
        "selector": "app.kubernetes.io/name=munshi-orchestrator",
        "webhookURL": "https://hooks.example/webhooks/whatsapp/shops_sharma-kirana",
        "conditions": [
            {
                "type": "Ready", "status": "True", "reason": "AsExpected", "message": "",
                "lastTransitionTime": "2026-11-01T10:00:00Z", "observedGeneration": 2,
            }
        ],
    }  # fmt: skip
    tenants.patch_namespaced_custom_object_status(*PATH, namespace, PLURAL, name, {"status": status})
    scale = tenants.get_namespaced_custom_object_scale(*PATH, namespace, PLURAL, name)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    assert scale["status"]["selector"] == status["selector"]
    shown = control_plane.kubectl("-n", namespace, "get", "munshi")
    assert shown.split()[:7] == ["NAME", "ASSISTANT", "READY", "REASON", "URL", "AGE", name]
    assert shown.split()[7:11] == ["Ledger", "True", "AsExpected", status["webhookURL"]]
    told = control_plane.kubectl(
        "-n", namespace, "wait", "--for=condition=Ready", f"wat/{name}", "--timeout=60s"
    )
    assert "condition met" in told


def test_spec_and_status_are_written_apart(tenants: Any, namespace: str) -> None:
    name = GOOD["metadata"]["name"]
    held = create(tenants, namespace, {**GOOD, "status": {"cell": "stolen"}}, keep=True)
    assert "status" not in held
    body = {"spec": {"displayName": "Another"}, "status": {"cell": "pool"}}
    after = tenants.patch_namespaced_custom_object_status(*PATH, namespace, PLURAL, name, body)
    assert (after["spec"]["displayName"], after["status"]["cell"]) == (GOOD["spec"]["displayName"], "pool")
    assert after["metadata"]["generation"] == 1


def test_two_managers_may_each_own_a_phone_number(
    control_plane: Cluster, tenants: Any, namespace: str
) -> None:
    def apply(manager: str, spec: dict[str, Any]) -> None:
        document = {
            **GOOD,
            "metadata": {"name": GOOD["metadata"]["name"], "namespace": namespace},
            "spec": spec,
        }
        control_plane.kubectl(
            "apply", "--server-side", f"--field-manager={manager}", "-f", "-", stdin=json.dumps(document)
        )

    def numbers() -> list[str]:
        held = tenants.get_namespaced_custom_object(*PATH, namespace, PLURAL, GOOD["metadata"]["name"])
        return [one["phoneNumberID"] for one in held["spec"]["whatsapp"]["phoneNumbers"]]

    apply("platform", GOOD["spec"])
    apply("branch", {"whatsapp": {"phoneNumbers": [{"phoneNumberID": "106540352249999"}]}})
    assert numbers() == ["106540352242922", "106540352249999"]
    apply("platform", {**GOOD["spec"], "displayName": "Another"})
    assert numbers() == ["106540352242922", "106540352249999"]


def test_the_definition_changes_nothing_of_tenants_when_it_is_applied_again(
    control_plane: Cluster, tenants: Any, namespace: str
) -> None:
    held = create(tenants, namespace, GOOD, keep=True)
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(DEFINITION))
    after = tenants.get_namespaced_custom_object(*PATH, namespace, PLURAL, held["metadata"]["name"])
    assert after["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]
