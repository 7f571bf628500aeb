"""What replaces a tenant's pods, and what leaves them alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from munshi_operator.builders import Blueprint, build_children, parse_blueprint
from munshi_operator.types import Manifest
from rig.golden import FULL, SMALL, access, children, tenant

from .manifests import BOTH, changed, config, one


def ingress_with(**parts: Any) -> Blueprint:
    return changed(ingress=parse_blueprint(SMALL).ingress.model_copy(update=parts))


@pytest.mark.parametrize(
    "blueprint",
    [
        ingress_with(image="munshi/ingress:2"),
        ingress_with(env={"MUNSHI_LOG_LEVEL": "debug"}),
        ingress_with(grace_seconds=60),
        changed(pods=parse_blueprint(SMALL).pods.model_copy(update={"node_selector": {"a": "b"}})),
    ],
)
def test_what_pods_must_restart_for_changes_their_config(blueprint: Blueprint) -> None:
    assert config(children(tenant(), blueprint), "ingress") != config(children(tenant()), "ingress")


def with_other_credentials() -> list[Manifest]:
    other = replace(
        access(tenant().cell),
        ingress_creds="others",
        orchestrator_creds="others",
        database_url="x",
        sealing_key="00" * 32,
    )
    return build_children(tenant(), other, parse_blueprint(SMALL), orchestrator_replicas=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda: children(tenant(), ingress_with(replicas=5)),
        lambda: children(tenant(), ingress_with(max_replicas=5)),
        lambda: children(tenant(), changed(labels={"cluster": "mumbai-1"})),
        lambda: children(tenant(), changed(route=parse_blueprint(FULL).route)),
        lambda: children(tenant(), changed(network_policy=parse_blueprint(FULL).network_policy)),
        lambda: children(tenant(labels={"team": "grocers"})),
        lambda: children(tenant(replicas=4, displayName="Another", retention={"media": "30d"})),
        lambda: children(tenant(), replicas=0),
        with_other_credentials,
    ],
)
def test_nothing_else_touches_the_pod_template(change: Callable[[], list[Manifest]]) -> None:
    made, before = change(), children(tenant())
    for component in BOTH:
        template = one(made, "Deployment", component)["spec"]["template"]
        assert template == one(before, "Deployment", component)["spec"]["template"]


def test_a_changed_image_of_one_service_leaves_the_other_alone() -> None:
    made, before = children(tenant(), ingress_with(image="munshi/ingress:2")), children(tenant())
    assert one(made, "Deployment", "orchestrator") == one(before, "Deployment", "orchestrator")


def test_a_setting_at_its_default_counts_as_not_said() -> None:
    """So a later operator that knows one more setting restarts nobody."""
    said = SMALL.replace("preStopSeconds: 5", "preStopSeconds: 5\n  graceSeconds: 30\n  env: {}")
    assert children(tenant(), said) == children(tenant())


def test_labels_that_are_inherited_reach_objects_and_pods() -> None:
    manifests = children(
        tenant(labels={"team": "grocers", "other": "x"}), changed(inherit_labels=("team", "absent"))
    )
    for manifest in manifests:
        labels = manifest["metadata"]["labels"]
        assert labels["team"] == "grocers"
        assert "other" not in labels
        assert "absent" not in labels
    template = one(manifests, "Deployment", "ingress")["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "grocers"
    assert "team" not in one(manifests, "Deployment", "ingress")["spec"]["selector"]["matchLabels"]


def test_an_inherited_label_cannot_take_a_pod_from_its_deployment() -> None:
    stolen = {"app.kubernetes.io/instance": "another", "munshi.dev/tenant": "another"}
    manifests = children(tenant(labels=stolen), changed(inherit_labels=tuple(stolen)))
    for component in BOTH:
        spec = one(manifests, "Deployment", component)["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        assert spec["template"]["metadata"]["labels"]["munshi.dev/tenant"] == "sharma-kirana"
