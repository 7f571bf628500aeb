"""The next version of the resource: nothing is lost on the way there and back."""

from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import BaseModel, ValidationError

from munshi.contracts import tenant, v1beta1
from rig.tenant_specs import specs


@settings(max_examples=50)
@given(specs())
def test_a_tenant_survives_the_way_there_and_back(spec: dict[str, Any]) -> None:
    first = tenant.WhatsAppTenantSpec.model_validate(spec)
    assert v1beta1.to_v1alpha1(v1beta1.from_v1alpha1(first)) == first


@settings(max_examples=50)
@given(specs())
def test_and_so_does_one_of_the_next_version(spec: dict[str, Any]) -> None:
    made = v1beta1.from_v1alpha1(tenant.WhatsAppTenantSpec.model_validate(spec))
    wire = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    first = v1beta1.WhatsAppTenantSpec.model_validate(wire)
    assert first == made
    assert v1beta1.from_v1alpha1(v1beta1.to_v1alpha1(first)) == first


def leaves(model: type[BaseModel]) -> set[str]:
    """Names of all fields that are no blocks."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = [
            one for one in (field.annotation, *getattr(field.annotation, "__args__", ())) if is_model(one)
        ]
        found |= set().union(*(leaves(one) for one in inner)) if inner else {name}
    return found


def is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)


def test_every_field_of_the_one_has_a_place_in_the_other() -> None:
    renamed = {
        "assistant": "kind",
        "messages_per_second_per_customer": "messages_per_second",
        "messages_per_day_per_customer": "messages_per_day",
    }
    old = {renamed.get(name, name) for name in leaves(tenant.WhatsAppTenantSpec)}
    assert old == leaves(v1beta1.WhatsAppTenantSpec)


def test_a_default_is_the_same_in_both() -> None:
    whatsapp = {"businessAccountID": "10229", "phoneNumbers": [{"phoneNumberID": "10654"}]}
    shared = {"displayName": "Sharma", "whatsapp": {**whatsapp, "secretRef": {"name": "s"}}}
    old = tenant.WhatsAppTenantSpec.model_validate({**shared, "assistant": "Ledger"})
    new = v1beta1.WhatsAppTenantSpec.model_validate({**shared, "assistant": {"kind": "Ledger"}})
    assert v1beta1.from_v1alpha1(old) == new


def test_the_block_of_another_assistant_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"spec\.assistant\.sales is given, but spec\.assistant\.kind is"
    ):
        v1beta1.Assistant.model_validate({"kind": "Ledger", "sales": {}})
