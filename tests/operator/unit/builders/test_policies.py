"""Who may talk to a tenant's pods, and they to whom."""

import json

from munshi_operator.builders import parse_blueprint
from rig.golden import SMALL, children, tenant

from .manifests import BOTH, changed, one, ports_of


def test_both_directions_are_denied_but_for_what_is_needed() -> None:
    manifests = children(tenant())
    policies = {component: one(manifests, "NetworkPolicy", component)["spec"] for component in BOTH}
    for component, policy in policies.items():
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        pods = one(manifests, "Deployment", component)["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= pods.items()
    assert ports_of(policies["ingress"]["egress"]) == {53, 4222}
    assert ports_of(policies["orchestrator"]["egress"]) == {53, 4222, 5432, 443}
    assert "from" not in policies["ingress"]["ingress"][0], "webhooks come from anywhere unless it is said"
    assert all(rule["from"] for rule in policies["orchestrator"]["ingress"])


def test_the_graph_api_is_anywhere_but_in_private_networks() -> None:
    policy = one(children(tenant()), "NetworkPolicy", "orchestrator")["spec"]
    (rule,) = (rule for rule in policy["egress"] if rule["ports"][0]["port"] == 443)
    blocks = {peer["ipBlock"]["cidr"]: peer["ipBlock"]["except"] for peer in rule["to"]}
    assert set(blocks) == {"0.0.0.0/0", "::/0"}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(blocks["0.0.0.0/0"])


def test_a_network_of_ipv4_alone_gets_no_rule_of_ipv6() -> None:
    only = changed(
        network_policy=parse_blueprint(SMALL).network_policy.model_copy(update={"graph_except_v6": ()})
    )
    assert "::/0" not in json.dumps(children(tenant(), only))


def test_names_are_looked_up_where_the_blueprint_says() -> None:
    there = {"dns": ({"ipBlock": {"cidr": "169.254.20.10/32"}},), "dns_ports": (5353,)}
    made = changed(network_policy=parse_blueprint(SMALL).network_policy.model_copy(update=there))
    for component in BOTH:
        first = one(children(tenant(), made), "NetworkPolicy", component)["spec"]["egress"][0]
        assert first["to"] == list(there["dns"])
        assert [(port["port"], port["protocol"]) for port in first["ports"]] == [(5353, "UDP"), (5353, "TCP")]


def test_policies_can_be_left_out() -> None:
    off = changed(network_policy=parse_blueprint(SMALL).network_policy.model_copy(update={"enabled": False}))
    assert not [each for each in children(tenant(), off) if each["kind"] == "NetworkPolicy"]
