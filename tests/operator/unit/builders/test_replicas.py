"""How many pods a tenant has, and who decides it."""

from rig.golden import FULL, children, tenant

from .manifests import one, replicas_of, scalers


def test_without_an_autoscaler_the_number_stands_in_the_deployment() -> None:
    manifests = children(tenant())
    assert (replicas_of(manifests, "ingress"), replicas_of(manifests, "orchestrator")) == (2, 1)
    assert scalers(manifests) == set()


def test_what_an_autoscaler_decides_is_left_to_it() -> None:
    manifests = children(tenant(), FULL)
    assert (replicas_of(manifests, "ingress"), replicas_of(manifests, "orchestrator")) == (None, None)
    assert scalers(manifests) == {("HorizontalPodAutoscaler", "ingress"), ("ScaledObject", "orchestrator")}
    for kind, component in scalers(manifests):
        target = one(manifests, kind, component)["spec"]["scaleTargetRef"]
        assert target["name"] == one(manifests, "Deployment", component)["metadata"]["name"]


def test_a_number_in_the_spec_takes_the_autoscalers_place() -> None:
    manifests = children(tenant(replicas=3), FULL)
    assert replicas_of(manifests, "orchestrator") == 3
    assert scalers(manifests) == {("HorizontalPodAutoscaler", "ingress")}


def test_a_sleeping_tenant_keeps_its_ingress_alone() -> None:
    manifests = children(tenant(hibernated=True, replicas=3), FULL, replicas=0)
    assert replicas_of(manifests, "orchestrator") == 0
    assert ("ScaledObject", "orchestrator") not in scalers(manifests)
    assert replicas_of(manifests, "ingress") is None


def test_the_query_names_the_tenants_own_pods() -> None:
    trigger = one(children(tenant(), FULL), "ScaledObject")["spec"]["triggers"][0]["metadata"]
    assert trigger["query"] == (
        'max(munshi_queue_age_seconds{namespace="shops",pod=~"sharma-kirana-orchestrator-.+"})'
    )
    assert trigger["threshold"] == "10"
