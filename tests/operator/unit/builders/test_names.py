"""Names and owners of a tenant's objects, and the routes to them, whatever a golden file says."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_operator.builders.names import MOST, child_name
from munshi_operator.kinds import CHILDREN, kind_of, ref_of
from rig.golden import FULL, POOLED_ROUTES, cases, children, tenant

from .manifests import one

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SERVICE_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"


@given(NAMES, st.sampled_from(["ingress", "orchestrator", "webhook", "munshi-orchestrator"]))
def test_every_name_fits_a_service_a_label_and_a_pods_host_name(name: str, suffix: str) -> None:
    made = child_name(name, suffix)
    assert re.fullmatch(SERVICE_NAME, made)
    assert len(made) <= MOST
    assert len(f"{made}-0123456789-01234") <= 63, "a pod's host name would be cut"
    assert suffix in made


@given(st.sets(NAMES, min_size=2, max_size=2))
def test_two_tenants_never_share_a_name(names: set[str]) -> None:
    first, second = (child_name(name, "ingress") for name in names)
    assert first != second


def test_a_name_that_fits_is_left_as_it_is() -> None:
    assert child_name("sharma-kirana", "ingress") == "sharma-kirana-ingress"


@pytest.mark.parametrize("case", sorted(cases()))
def test_every_object_is_known_and_says_whose_it_is(case: str) -> None:
    manifests = cases()[case]
    for manifest in manifests:
        assert kind_of(manifest) in CHILDREN
        assert manifest["metadata"]["namespace"] == "shops"
        (owner,) = manifest["metadata"]["ownerReferences"]
        assert owner["uid"] == tenant().uid
        assert owner["controller"] is True
        assert manifest["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "munshi-operator"
        json.dumps(manifest)
    assert len({ref_of(manifest) for manifest in manifests}) == len(manifests), "a name given twice"


def test_the_route_takes_the_tenants_path_alone_to_its_own_service() -> None:
    manifests = children(tenant())
    rule = one(manifests, "HTTPRoute")["spec"]["rules"][0]
    assert rule["matches"] == [{"path": {"type": "Exact", "value": "/webhooks/whatsapp/shops_sharma-kirana"}}]
    service = one(manifests, "Service")
    (backend,) = rule["backendRefs"]
    assert backend["name"] == service["metadata"]["name"]
    assert backend["port"] == service["spec"]["ports"][0]["port"]
    pods = one(manifests, "Deployment", "ingress")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= pods.items()


def test_a_pooled_tenant_has_no_objects_but_a_route_where_it_is_asked_for() -> None:
    assert children(tenant(isolation="Pooled")) == []
    (route,) = children(tenant(isolation="Pooled"), POOLED_ROUTES)
    (backend,) = route["spec"]["rules"][0]["backendRefs"]
    assert (backend["name"], backend["namespace"]) == ("munshi-pool-ingress", "munshi")


def test_no_route_is_made_where_none_is_wanted() -> None:
    made = {each["kind"] for each in children(tenant(), FULL.replace("kind: Ingress", "kind: None"))}
    assert not made & {"Ingress", "HTTPRoute"}
