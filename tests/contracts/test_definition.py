"""The definition of `WhatsAppTenant`: structural, bounded, in words; and `munshi apply` says what it says.

The same table runs on a real API server in `tests/cluster/crd`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from munshi.contracts.crd import LIST_KEYS, NAME, crd, schema
from munshi.contracts.tenant_status import CONDITIONS, WhatsAppTenantStatus
from munshi.errors import UserMistake
from munshi.provision.documents import read_documents
from munshi.provision.tenants import resolve
from munshi_operator import status
from rig.refusals import GOOD, Refusal, refusals

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "sharma-kirana-whatsapp", "namespace": "shops"},
    "stringData": {"app-secret": "a", "access-token": "b", "verify-token": "c"},
}
ALLOWED = {
    "type", "description", "default", "enum", "format",
    "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems",
    "items", "properties", "required",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
}  # fmt: skip


def places(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, below in node.get("properties", {}).items():
        yield from places(below, f"{path}.{name}".strip("."))
    if "items" in node:
        yield from places(node["items"], f"{path}[]")


PLACES = dict(places(schema()))
OURS = {path: node for path, node in PLACES.items() if path.startswith(("spec", "status"))}


def test_the_files_are_what_the_contract_says() -> None:
    for folder in ("crds", "helm/munshi/crds-kept"):
        assert yaml.safe_load((ROOT / folder / f"{NAME}.yaml").read_text()) == crd()


@pytest.mark.parametrize("path", sorted(PLACES))
def test_every_place_is_structural(path: str) -> None:
    node = PLACES[path]
    assert set(node) <= ALLOWED
    assert node["type"] in {"object", "array", "string", "integer", "boolean"}
    if node["type"] == "array":
        assert "items" in node
        assert node["x-kubernetes-list-type"] in {"atomic", "map"}


@pytest.mark.parametrize("path", sorted(OURS))
def test_every_place_is_bounded(path: str) -> None:
    """The API server multiplies these bounds to estimate what a rule may cost."""
    node = OURS[path]
    if node["type"] == "string":
        assert {"maxLength", "enum", "format"} & set(node)
    if node["type"] == "array":
        assert "maxItems" in node


@pytest.mark.parametrize("path", sorted(OURS))
def test_every_field_is_explained(path: str) -> None:
    if not path.endswith("[]"):
        assert OURS[path]["description"].endswith((".", "90d."))


@pytest.mark.parametrize(
    "path", sorted(path for path, node in PLACES.items() if "x-kubernetes-validations" in node)
)
def test_every_rule_says_what_is_wrong_in_one_line(path: str) -> None:
    for rule in PLACES[path]["x-kubernetes-validations"]:
        assert rule["message"] == rule["message"].strip()
        assert "\n" not in rule["message"]
        assert len(rule["message"]) < 2048


def test_the_keys_of_lists_are_required_fields_of_their_entries() -> None:
    for path, key in LIST_KEYS.items():
        assert PLACES[path]["x-kubernetes-list-map-keys"] == [key]
        assert key in PLACES[f"{path}[]"]["required"]


def test_the_subresource_scale_finds_its_fields() -> None:
    (version,) = crd()["spec"]["versions"]
    scale = version["subresources"]["scale"]
    kinds = {name: PLACES[path.removeprefix(".")]["type"] for name, path in scale.items()}
    assert kinds == {
        "specReplicasPath": "integer",
        "statusReplicasPath": "integer",
        "labelSelectorPath": "string",
    }


def test_what_the_doors_promise_is_printed() -> None:
    (version,) = crd()["spec"]["versions"]
    shown = [column["name"] for column in version["additionalPrinterColumns"] if column["priority"] == 0]
    assert shown == ["Assistant", "Ready", "Reason", "URL", "Age"]
    assert crd()["spec"]["names"]["shortNames"] == ["wat"]
    assert crd()["spec"]["names"]["categories"] == ["munshi"]


def test_the_conditions_are_those_that_the_operator_writes() -> None:
    assert tuple(CONDITIONS) == status.ORDER


def test_the_operators_whole_status_fits() -> None:
    found = status.Findings(generation=3)
    for kind in status.ORDER:
        found.set(kind, "Unknown", "NotYetKnown", "")
    found.phase = "Moving"
    found.fields = {
        "webhookURL": "https://hooks.example/webhooks/whatsapp/shops_sharma-kirana",
        "cell": "shops_sharma-kirana",
        "applied": "0" * 64,
        "replicas": 1,
        "readyReplicas": 0,
        "selector": "app.kubernetes.io/name=munshi-orchestrator",
    }
    made = status.build_status({}, found, NOW)
    read = WhatsAppTenantStatus.model_validate(made, by_alias=True, by_name=False)
    assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == made
    for one in made["conditions"]:
        assert re.fullmatch(PLACES["status.conditions[].reason"]["pattern"], one["reason"])


def text(*documents: dict[str, Any]) -> list[tuple[str, str]]:
    return [("shop.yaml", yaml.safe_dump_all(documents))]


def test_the_good_resource_is_taken() -> None:
    assert len(resolve(read_documents(text(GOOD, SECRET)), {}, NOW)) == 1


@pytest.mark.parametrize("one", refusals(), ids=lambda one: one.name)
def test_munshi_apply_refuses_in_the_tables_words(one: Refusal) -> None:
    held = {}
    if one.before is not None:
        held = resolve(read_documents(text(one.before, SECRET)), {}, NOW)
    with pytest.raises(UserMistake) as caught:
        resolve(read_documents(text(one.resource, SECRET)), held, NOW)
    assert one.munshi in str(caught.value)
