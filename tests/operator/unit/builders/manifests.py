"""Picks one thing out of a tenant's manifests, for the tests of the builders."""

from typing import Any

from munshi_operator.builders import Blueprint, parse_blueprint
from munshi_operator.drift import CONFIG
from munshi_operator.types import Manifest
from rig.golden import SMALL

BOTH = ("ingress", "orchestrator")
ALL = (*BOTH, "media")


def one(manifests: list[Manifest], kind: str, component: str = "") -> Manifest:
    """The only manifest of a kind, of one component where there are several."""
    found = [
        each
        for each in manifests
        if each["kind"] == kind
        and component in {"", each["metadata"]["labels"]["app.kubernetes.io/component"]}
    ]
    assert len(found) == 1, (kind, component, [each["metadata"]["name"] for each in found])
    return found[0]


def pod(manifests: list[Manifest], component: str) -> dict[str, Any]:
    """The pod's part of a Deployment."""
    spec: dict[str, Any] = one(manifests, "Deployment", component)["spec"]["template"]["spec"]
    return spec


def config(manifests: list[Manifest], component: str) -> str:
    """The hash that a change of which restarts pods."""
    template = one(manifests, "Deployment", component)["spec"]["template"]
    return str(template["metadata"]["annotations"][CONFIG])


def changed(**parts: Any) -> Blueprint:
    """The small blueprint with parts replaced."""
    return parse_blueprint(SMALL).model_copy(update=parts)


def replicas_of(manifests: list[Manifest], component: str) -> int | None:
    """The number in a Deployment; `None` where it is left to an autoscaler."""
    count: int | None = one(manifests, "Deployment", component)["spec"].get("replicas")
    return count


def scalers(manifests: list[Manifest]) -> set[tuple[str, str]]:
    """Kind and component of each autoscaler."""
    kinds = {"HorizontalPodAutoscaler", "ScaledObject"}
    return {
        (each["kind"], each["metadata"]["labels"]["app.kubernetes.io/component"])
        for each in manifests
        if each["kind"] in kinds
    }


def ports_of(rules: list[dict[str, Any]]) -> set[int]:
    """All ports that a policy's rules name."""
    return {port["port"] for rule in rules for port in rule["ports"]}
