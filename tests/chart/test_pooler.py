"""A pooler between the pods and the database: pods may go to it, the operator and the migrations past it."""

from typing import Any

import pytest

from chart.rendering import EXISTING, Rendered, merged, render

POOLER = {"database": {"podsUrl": "postgresql://pgbouncer.example:6432/munshi"}}
PEERS = [{"ipBlock": {"cidr": "10.9.0.0/24"}}]
DATABASE, BOUNCER = 5432, 6432


def opened(rendered: Rendered, policy: str) -> dict[int, Any]:
    """Ports that a policy opens outwards, with the peers of each."""
    rules = rendered.one("NetworkPolicy", policy)["spec"]["egress"]
    return {port["port"]: rule.get("to") for rule in rules for port in rule["ports"]}


def test_each_may_go_where_it_is_told_to() -> None:
    rendered = render(merged(EXISTING, POOLER))
    settings = rendered.settings_of("munshi-operator")
    assert settings["MUNSHI_OPERATOR_PODS_DATABASE_URL"] == POOLER["database"]["podsUrl"]
    pool = opened(rendered, "munshi-pool-orchestrator")
    assert BOUNCER in pool
    assert DATABASE not in pool
    for direct in ("munshi-operator", "munshi-migrations"):
        ports = opened(rendered, direct)
        assert DATABASE in ports
        assert BOUNCER not in ports
    assert tuple(rendered.blueprint().network_policy.database.ports) == (BOUNCER,)


@pytest.mark.parametrize("values", [{}, {"cloudnativepg": {"enabled": True}}], ids=["own server", "cnpg"])
def test_peers_that_are_named_hold_for_both(values: dict[str, Any]) -> None:
    given = {"networkPolicy": {"database": {"to": PEERS}}}
    base = merged(EXISTING, {"database": {"existingSecret": {"name": ""}}}) if values else EXISTING
    rendered = render(merged(base, POOLER, given, values))
    assert opened(rendered, "munshi-pool-orchestrator")[BOUNCER] == PEERS
    assert list(rendered.blueprint().network_policy.database.to) == PEERS


def test_without_one_the_databases_port_is_opened() -> None:
    rendered = render(EXISTING)
    assert DATABASE in opened(rendered, "munshi-pool-orchestrator")
    assert tuple(rendered.blueprint().network_policy.database.ports) == (DATABASE,)


def test_an_address_without_a_port_is_postgresqls_own() -> None:
    rendered = render(merged(EXISTING, {"database": {"podsUrl": "postgresql://pooler.example/munshi"}}))
    assert DATABASE in opened(rendered, "munshi-pool-orchestrator")
