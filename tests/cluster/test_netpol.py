"""What a node makes of NetworkPolicies, as text. Needs no cluster and no nft."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "tools/cluster/node/netpol.py"


@pytest.fixture(scope="module")
def netpol() -> ModuleType:
    spec = importlib.util.spec_from_file_location("netpol", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["netpol"] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["netpol"]
    return module


def _ruleset(netpol: ModuleType, peers: list[dict[str, Any]]) -> str:
    pod = {
        "metadata": {"uid": "1", "name": "web", "namespace": "shops", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Running", "podIP": "10.1.0.7"},
    }
    policy = {
        "metadata": {"uid": "2", "name": "out", "namespace": "shops"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": peers}]},
    }
    namespace = {"metadata": {"uid": "3", "name": "shops"}}
    state = {"pods": [pod], "policies": [policy], "namespaces": [namespace]}
    return str(netpol.Ruleset(state, "10.1.0.0/16").text())


def test_addresses_of_ipv6_are_left_out_and_the_others_stand(netpol: ModuleType) -> None:
    both = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}},
        {"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"]}},
    ]
    text = _ruleset(netpol, both)
    assert "ip daddr 0.0.0.0/0 ip daddr != { 10.0.0.0/8 }" in text
    assert "::" not in text


def test_a_rule_of_ipv6_alone_allows_nothing(netpol: ModuleType) -> None:
    text = _ruleset(netpol, [{"ipBlock": {"cidr": "::/0"}}])
    chain = text.partition("chain out0 {")[2].partition("}")[0]
    assert chain.split("\n") == ["", "counter drop", ""]
