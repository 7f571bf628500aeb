"""Names are looked up where the cluster's DNS is, which is not the same place everywhere."""

from typing import Any

import pytest

from chart.cases import CASES
from chart.rendering import Rendered, merged, render

SYSTEM = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
OPENSHIFT = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}}}]


def ways(rendered: Rendered) -> dict[str, list[tuple[Any, set[tuple[int, str]]]]]:
    """Of each policy, its rules by which UDP goes out: nothing but DNS speaks it here."""
    found = {}
    for one in rendered.of("NetworkPolicy"):
        rules = one["spec"].get("egress", [])
        found[one["metadata"]["name"]] = [
            (rule.get("to"), {(port["port"], port["protocol"]) for port in rule["ports"]})
            for rule in rules
            if any(port["protocol"] == "UDP" for port in rule["ports"])
        ]
    return {name: them for name, them in found.items() if them}


@pytest.mark.parametrize("name", ["existing servers", "demo", "model servers"])
def test_it_is_in_kube_system_unless_somebody_says_otherwise(name: str) -> None:
    rendered = render(CASES[name])
    asking = ways(rendered)
    assert {"munshi-operator", "munshi-pool-ingress", "munshi-pool-orchestrator"} <= asking.keys()
    for policy, rules in asking.items():
        assert rules == [(SYSTEM, {(53, "UDP"), (53, "TCP")})], policy
    assert list(rendered.blueprint().network_policy.dns) == SYSTEM


@pytest.mark.parametrize("name", ["existing servers", "demo", "model servers"])
def test_everybody_asks_where_the_values_say(name: str) -> None:
    elsewhere = {"networkPolicy": {"dns": {"to": OPENSHIFT, "ports": [5353]}}}
    rendered = render(merged(CASES[name], elsewhere))
    for policy, rules in ways(rendered).items():
        assert rules == [(OPENSHIFT, {(5353, "UDP"), (5353, "TCP")})], policy
    made = rendered.blueprint().network_policy
    assert (list(made.dns), list(made.dns_ports)) == (OPENSHIFT, [5353])
