"""Who may talk to a tenant's pods, and with whom they may talk. Pure."""

from typing import Any

from munshi_operator.builders.blueprint import Server
from munshi_operator.builders.names import INGRESS, MEDIA, ORCHESTRATOR, selector
from munshi_operator.builders.plan import PORT_NAME, Plan
from munshi_operator.types import Manifest

Rule = dict[str, Any]


def network_policy(plan: Plan, component: str) -> list[Manifest]:
    """One policy for a component's pods. It names both directions, so what it does not allow is denied."""
    if not plan.blueprint.network_policy.enabled:
        return []
    spec = {
        "podSelector": {"matchLabels": selector(plan.name, component)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": _incoming(plan, component),
        "egress": _outgoing(plan, component),
    }
    kind = ("networking.k8s.io/v1", "NetworkPolicy")
    return [plan.object(kind, plan.named(component), component, {"spec": spec})]


def _incoming(plan: Plan, component: str) -> list[Rule]:
    policies = plan.blueprint.network_policy
    ports = [{"port": PORT_NAME, "protocol": "TCP"}]
    if component == INGRESS:
        if not policies.webhooks_from:
            return [{"ports": ports}]
        return [{"ports": ports, "from": [*policies.webhooks_from, *policies.metrics_from]}]
    return [{"ports": ports, "from": list(policies.metrics_from)}] if policies.metrics_from else []


def _outgoing(plan: Plan, component: str) -> list[Rule]:
    policies = plan.blueprint.network_policy
    dns_ports = [{"port": port, "protocol": way} for port in policies.dns_ports for way in ("UDP", "TCP")]
    rules: list[Rule] = [{"ports": dns_ports, "to": list(policies.dns)}, _to(policies.nats)]
    if component == ORCHESTRATOR:
        rules += [_to(policies.database), _to_graph(plan)]
    if component == MEDIA:
        rules += [_to_graph(plan), *(() if plan.folder else (_to(policies.object_store),))]
    rules += [_to(one.server) for one in policies.inference if component in one.asked_by]
    return [*rules, *policies.extra_egress]


def _to(server: Server) -> Rule:
    rule: Rule = {"ports": [{"port": port, "protocol": "TCP"} for port in server.ports]}
    return {**rule, "to": list(server.to)} if server.to else rule


def _to_graph(plan: Plan) -> Rule:
    policies = plan.blueprint.network_policy
    if policies.graph.to:
        return _to(policies.graph)
    anywhere = [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(policies.graph_except)}}]
    if policies.graph_except_v6:
        anywhere.append({"ipBlock": {"cidr": "::/0", "except": list(policies.graph_except_v6)}})
    return {**_to(policies.graph), "to": anywhere}
