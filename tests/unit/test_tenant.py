"""The custom resource: what is taken, and what each mistake is told."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from munshi.contracts.tenant import Ledger, TenantEntry, WhatsAppTenant, cell_of


def resource(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "munshi.dev/v1alpha1",
        "kind": "WhatsAppTenant",
        "metadata": {"name": "sharma-kirana", "namespace": "shops"},
        "spec": {
            "displayName": "Sharma Kirana Store",
            "assistant": "Ledger",
            "whatsapp": {
                "businessAccountID": "102290129340398",
                "phoneNumbers": [{"phoneNumberID": "106540352242922"}],
                "secretRef": {"name": "sharma-kirana-whatsapp"},
            },
            **spec,
        },
    }


def test_a_short_resource_gets_the_defaults_of_the_doors() -> None:
    tenant = WhatsAppTenant.model_validate(resource())
    assert tenant.key == "shops_sharma-kirana"
    assert tenant.spec.isolation == "Dedicated"
    assert tenant.spec.whatsapp.graph_version == "v25.0"
    assert (tenant.spec.limits.messages_per_day_per_customer, tenant.spec.retention.media) == (200, "90d")
    assert tenant.spec.deletion_policy == "Retain"
    assert cell_of(tenant.key, tenant.spec) == "shops_sharma-kirana"
    assert tenant.spec.debounce_seconds == 0


def test_a_pooled_tenant_lives_in_the_pool() -> None:
    tenant = WhatsAppTenant.model_validate(resource(isolation="Pooled"))
    assert cell_of(tenant.key, tenant.spec) == "pool"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"ledgr": {}}, "Extra inputs are not permitted"),
        ({"assistant": "Poet"}, "'Ledger', 'Invoices', 'Concierge', 'Sales' or 'Support'"),
        ({"sales": {}}, "spec.sales is given, but spec.assistant is Ledger; remove the block"),
        ({"timeZone": "Asia/Atlantis"}, "not an IANA time zone"),
        ({"retention": {"media": "soon"}}, "String should match pattern"),
        ({"ledger": {"confirmAbove": "many"}}, "String should match pattern"),
        ({"ledger": {"confirmAbove": 50000.5}}, "valid string"),
        ({"limits": {"messagesPerDayPerCustomer": 0}}, "greater than or equal to 1"),
        ({"languages": []}, "at least 1 item"),
        ({"languages": ["Hindi!"]}, "String should match pattern"),
    ],
)
def test_a_mistake_is_named(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WhatsAppTenant.model_validate(resource(**spec))


def test_a_number_stands_once() -> None:
    number = {"phoneNumberID": "106540352242922"}
    given = resource()
    given["spec"]["whatsapp"]["phoneNumbers"] = [number, number]
    with pytest.raises(ValidationError, match="name each once"):
        WhatsAppTenant.model_validate(given)


def test_a_registry_entry_survives_the_wire_and_a_newer_writer() -> None:
    tenant = WhatsAppTenant.model_validate(resource())
    entry = TenantEntry(
        key=tenant.key,
        name="sharma-kirana",
        namespace="shops",
        cell=cell_of(tenant.key, tenant.spec),
        generation=3,
        spec=tenant.spec,
        sealed="AQ==",
    )
    wire = entry.model_dump(mode="json", by_alias=True) | {"fieldOfTomorrow": 1}
    wire["spec"] |= {"fieldOfTomorrow": 1, "ledger": {"currency": "INR", "fieldOfTomorrow": 1}}
    read = TenantEntry.model_validate_json(json.dumps(wire))
    assert read.spec.ledger == Ledger()
    assert read.model_copy(update={"spec": entry.spec}) == entry
    with pytest.raises(ValidationError, match="Extra inputs"):
        WhatsAppTenant.model_validate(resource(fieldOfTomorrow=1))
