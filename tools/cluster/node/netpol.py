#!/usr/bin/env python3
"""Enforce NetworkPolicy objects on one node: watch the API, write one nftables table. Standard library.

Covers networking.k8s.io/v1: podSelector, namespaceSelector, ipBlock with except, ports (numbers,
ranges, names), both policy types. Pods have IPv4 addresses alone, so a CIDR of IPv6 matches none of their
packets and is left out. A connection that a policy now forbids may go on until it ends;
a pod that this program has not seen yet is cut off until it has.
"""

import argparse
import json
import ssl
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, cast

Object = dict[str, Any]  # one of the API's, or a part of it

TABLE = "inet netpol"
WATCHED = {
    "pods": "/api/v1/pods",
    "namespaces": "/api/v1/namespaces",
    "policies": "/apis/networking.k8s.io/v1/networkpolicies",
}
EVERYONE = [""]  # an empty nftables expression matches everything


class Watcher:
    """Keeps a copy of some objects of the API server, and says when it has changed."""

    def __init__(self, server: str, pki: Path) -> None:
        self.server = server
        self.tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self.lock = threading.Lock()
        self.changed = threading.Event()
        self.objects: dict[str, dict[str, Object]] = {}  # kind -> uid -> object

    def start(self) -> None:
        for kind in WATCHED:
            threading.Thread(target=self.follow, args=(kind,), daemon=True).start()

    def follow(self, kind: str) -> None:
        while True:
            try:
                self.list_and_watch(kind)
            except (OSError, ValueError) as error:
                print("watch", kind, repr(error), flush=True)
                time.sleep(0.5)

    def list_and_watch(self, kind: str) -> None:
        listing = json.load(self.get(WATCHED[kind], timeout=10))
        with self.lock:
            self.objects[kind] = {item["metadata"]["uid"]: item for item in listing["items"]}
        self.changed.set()
        version = listing["metadata"]["resourceVersion"]
        query = f"?watch=1&timeoutSeconds=300&resourceVersion={version}"
        for line in self.get(WATCHED[kind] + query, timeout=310):
            event = json.loads(line)
            if event["type"] == "ERROR":  # our version is too old: list again
                return
            uid = event["object"]["metadata"]["uid"]
            with self.lock:
                if event["type"] == "DELETED":
                    self.objects[kind].pop(uid, None)
                else:
                    self.objects[kind][uid] = event["object"]
            self.changed.set()

    def get(self, path: str, timeout: float) -> HTTPResponse:
        answer = urllib.request.urlopen(self.server + path, timeout=timeout, context=self.tls)  # noqa: S310 (https)
        return cast("HTTPResponse", answer)

    def snapshot(self) -> dict[str, list[Object]] | None:
        with self.lock:
            if len(self.objects) < len(WATCHED):
                return None
            return {kind: list(items.values()) for kind, items in self.objects.items()}


@dataclass
class Pod:
    namespace: str
    labels: Object
    address: str
    named_ports: Object  # name -> number

    @classmethod
    def of(cls, item: Object) -> "Pod | None":
        """None for a pod that has no address of its own, or has ended and may have lost it."""
        status, spec = item.get("status", {}), item["spec"]
        ended = status.get("phase") not in ("Pending", "Running")
        if ended or not status.get("podIP") or spec.get("hostNetwork"):
            return None
        ports = [port for container in spec["containers"] for port in container.get("ports", [])]
        named = {port["name"]: port["containerPort"] for port in ports if "name" in port}
        labels = item["metadata"].get("labels") or {}
        return cls(item["metadata"]["namespace"], labels, status["podIP"], named)


def selects(selector: Object | None, labels: Object) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    selector = selector or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for expression in selector.get("matchExpressions") or []:
        value, values = labels.get(expression["key"]), expression.get("values") or []
        matches = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not matches[expression["operator"]]:
            return False
    return True


class Ruleset:
    """The nftables table for one state of the cluster.

    Each pod that a policy selects gets a chain per direction. It returns what the policies allow and
    drops the rest, so a packet between two such pods has to pass both the sender's and the receiver's.
    """

    def __init__(self, state: dict[str, list[Object]], pod_network: str) -> None:
        self.pod_network = pod_network
        self.policies = state["policies"]
        self.namespaces = {
            item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in state["namespaces"]
        }
        self.pods = [pod for pod in map(Pod.of, state["pods"]) if pod]

    def peers(self, rule_peers: list[Object] | None, policy: Object, field: str) -> list[str]:
        """One expression per peer; FIELD says whether the peer is the packet's saddr or daddr."""
        if not rule_peers:
            return EVERYONE
        found = []
        for peer in rule_peers:
            if block := peer.get("ipBlock"):
                if ":" in block["cidr"]:
                    continue
                expression = f"ip {field} {block['cidr']}"
                if exceptions := block.get("except"):
                    expression += f" ip {field} != {{ {', '.join(exceptions)} }}"
                found.append(expression)
            else:
                found += [f"ip {field} {pod.address}" for pod in self.pods if self.is_peer(pod, peer, policy)]
        return found

    def is_peer(self, pod: Pod, peer: Object, policy: Object) -> bool:
        if "namespaceSelector" in peer:
            if not selects(peer["namespaceSelector"], self.namespaces.get(pod.namespace, {})):
                return False
        elif pod.namespace != policy["metadata"]["namespace"]:
            return False
        return selects(peer.get("podSelector"), pod.labels)

    @staticmethod
    def ports(rule_ports: list[Object] | None, targets: list[Pod]) -> list[str]:
        """One expression per port; a port's name means what the TARGETS call so."""
        if not rule_ports:
            return EVERYONE
        found = []
        for rule in rule_ports:
            protocol, port = rule.get("protocol", "TCP").lower(), rule.get("port")
            if port is None:
                found.append(f"meta l4proto {protocol}")
            elif isinstance(port, str):
                numbers = {pod.named_ports[port] for pod in targets if port in pod.named_ports}
                found += [f"{protocol} dport {number}" for number in sorted(numbers)]
            else:
                found.append(f"{protocol} dport {port}-{rule.get('endPort') or port}")
        return found

    def chain(self, pod: Pod, direction: str) -> list[str] | None:
        """What the policies allow POD in this direction; None if no policy selects it."""
        policies = [
            policy
            for policy in self.policies
            if policy["metadata"]["namespace"] == pod.namespace
            and selects(policy["spec"].get("podSelector"), pod.labels)
            and direction in (policy["spec"].get("policyTypes") or ["Ingress"])
        ]
        if not policies:
            return None
        ingress = direction == "Ingress"
        rules, peers, field = ("ingress", "from", "saddr") if ingress else ("egress", "to", "daddr")
        targets = [pod] if ingress else self.pods
        return [
            f"{peer} {port} return"
            for policy in policies
            for rule in policy["spec"].get(rules) or []
            for peer in self.peers(rule.get(peers), policy, field)
            for port in self.ports(rule.get("ports"), targets)
        ]

    def text(self) -> str:
        chains, ingress_jumps, egress_jumps = [], [], []
        for number, pod in enumerate(self.pods):
            own = pod.address  # a pod may always reach itself, also through a service
            if (allowed := self.chain(pod, "Ingress")) is not None:
                chains.append(self.chain_text(f"in{number}", allowed))
                ingress_jumps.append(f"ip daddr {own} ip saddr != {own} jump in{number}")
            if (allowed := self.chain(pod, "Egress")) is not None:
                chains.append(self.chain_text(f"out{number}", allowed))
                egress_jumps.append(f"ip saddr {own} ip daddr != {own} jump out{number}")

        known = ", ".join(sorted({pod.address for pod in self.pods}))
        elements = f"elements = {{ {known} }}" if known else ""
        established = "ct state established,related accept"
        unknown = [f"ip {field} {self.pod_network} ip {field} != @known drop" for field in ("saddr", "daddr")]
        # Between pods, and to and from outside: forward. From a pod to the node itself: input. From the
        # node to a pod: neither, so the kubelet's probes always pass. kube-proxy has by then (-5 is
        # after its -100) replaced a service's address by a pod's.
        forward = "type filter hook forward priority -5; policy accept;"
        to_node = "type filter hook input priority -5; policy accept;"
        return "\n".join(
            [
                f"table {TABLE} {{}}",
                f"delete table {TABLE}",  # both: works whether it exists or not
                f"table {TABLE} {{",
                f"set known {{ type ipv4_addr; {elements} }}",
                *chains,
                self.hook_text("pods", forward, [established, *unknown, *egress_jumps, *ingress_jumps]),
                self.hook_text("node", to_node, [established, *egress_jumps]),
                "}",
                "",
            ]
        )

    @staticmethod
    def chain_text(name: str, allowed: list[str]) -> str:
        return "\n".join([f"chain {name} {{", *allowed, "counter drop", "}"])

    @staticmethod
    def hook_text(name: str, hook: str, rules: list[str]) -> str:
        return "\n".join([f"chain {name} {{", hook, *rules, "}"])


def apply(ruleset: str) -> bool:
    """All or nothing: nft replaces the table in one transaction."""
    result = subprocess.run(["nft", "-f", "-"], check=False, input=ruleset, text=True, capture_output=True)
    if result.returncode:
        print("nft failed:", result.stderr, ruleset, sep="\n", flush=True)
    return result.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--pods", required=True, help="the network of all pods")
    options = parser.parse_args()

    watcher = Watcher(options.server, options.pki)
    watcher.start()
    applied = None
    while True:
        watcher.changed.wait()
        watcher.changed.clear()
        if (state := watcher.snapshot()) is None:
            continue
        ruleset = Ruleset(state, options.pods).text()
        if ruleset != applied:
            if apply(ruleset):
                applied = ruleset
            else:
                time.sleep(1)
                watcher.changed.set()
        time.sleep(0.02)  # gathers changes that come in a burst


if __name__ == "__main__":
    main()
