"""The blueprint's file: what is read, and what each mistake is told."""

import pytest

from munshi.errors import UserMistake
from munshi_operator.builders import parse_blueprint
from rig.golden import FULL, SMALL


def test_quantities_may_be_numbers() -> None:
    assert parse_blueprint(FULL).ingress.resources.requests == {"cpu": "0.5", "memory": "80Mi"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  image:", "  imag:", "ingress.imag: Extra inputs"),
        ("munshi/ingress:1.0.0", '""', "ingress.image"),
        ("replicas: 2", "replicas: 2\n  maxReplicas: 1", "maxReplicas (1) is less than replicas (2)"),
        ("replicas: 2", 'env: {MUNSHI_PORT: "1"}', "MUNSHI_PORT is set by the operator; remove it"),
        ("replicas: 2", 'env: {PATH: "/x"}', "String should match pattern"),
        ("preStopSeconds: 5", "preStopSeconds: 30", "graceSeconds must be more than preStopSeconds"),
        ("route: {gateway", "route: {kind: None, gatewy", "route.gatewy: Extra inputs"),
        ("{gateway: {name: munshi, namespace: munshi}}", "{}", "kind HTTPRoute needs gateway"),
        ("route: {", "route: {kind: Ingress, pool: {name: a, namespace: b}, ", "pool needs kind HTTPRoute"),
        ("route:", "scaling: {kind: ScaledObject}\nroute:", "kind ScaledObject needs prometheusUrl"),
        ("route:", "route: [", "the blueprint is no YAML"),
        ("route:", "graphUrl: https://graph.example/\nroute:", "graphUrl"),
    ],
)
def test_each_mistake_is_named(old: str, new: str, says: str) -> None:
    assert old in SMALL
    with pytest.raises(UserMistake) as caught:
        parse_blueprint(SMALL.replace(old, new, 1))
    assert says in str(caught.value)
