"""The builders' pods on a real node: admitted, started, alive, and held to what their policies allow.

There are no servers in this scene: pods that cannot reach them stay alive and do not become ready.
"""

import json
from typing import Any

import pytest
from kubernetes import client

from munshi_operator.builders import build_children, parse_blueprint
from munshi_operator.types import Manifest
from rig.golden import SMALL, access, tenant
from rig.kubernetes import Node
from rig.pods import image, pod
from rig.waiting import wait_for

BOTH = ("ingress", "orchestrator")


@pytest.fixture
def scene(node: Node, node_namespace: str) -> list[Manifest]:
    """A dedicated tenant's objects, applied."""
    node.load(*BOTH)
    text = SMALL.replace("route: {", "route: {kind: None, ") + "networkPolicy: {graphExceptV6: []}\n"
    for name in BOTH:
        text = text.replace(f"munshi/{name}:1.0.0", image(name))
    one = tenant()
    made = build_children(one, access(one.cell), parse_blueprint(text), orchestrator_replicas=None)
    core: Any = client.CoreV1Api(node.client)
    owner = core.create_namespaced_config_map(node_namespace, {"metadata": {"name": "owner"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
    for manifest in made:
        manifest["metadata"] |= {"namespace": node_namespace, "ownerReferences": [reference]}
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    node.kubectl("apply", "--server-side", "--field-manager=munshi-operator", "-f", "-", stdin=listed)
    return made


def test_pods_start_and_stay_alive_without_their_servers(
    node: Node, node_namespace: str, scene: list[Manifest]
) -> None:
    core: Any = client.CoreV1Api(node.client)
    wanted = sum(one["spec"]["replicas"] for one in scene if one["kind"] == "Deployment")

    def started() -> list[Any]:
        pods = core.list_namespaced_pod(node_namespace).items
        up = [
            one for one in pods if one.status.container_statuses and one.status.container_statuses[0].started
        ]
        return up if len(up) == wanted else []

    for each in wait_for(started, "the pods have started", 90):
        (status,) = each.status.container_statuses
        assert (status.restart_count, status.ready) == (0, False)
        assert each.spec.containers[0].security_context.read_only_root_filesystem
        log = core.read_namespaced_pod_log(each.metadata.name, node_namespace)
        assert "cell_unusable" not in log, "the mounted cell could not be read"


_LISTEN = """
import socket, selectors
waiting = selectors.DefaultSelector()
for port in (4222, 5432, 9999):
    one = socket.create_server(("", port))
    waiting.register(one, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
"""
_KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
except OSError:
    print("shut")
else:
    print("open")
"""


def listener(namespace: str) -> Manifest:
    """A pod of nobody's, where bus, database and something else listen."""
    made = pod("listener", image_name="ingress")
    made["spec"]["containers"][0] |= {"command": ["python3", "-c", _LISTEN]}
    made["metadata"]["namespace"] = namespace
    return made


def test_policies_let_each_pod_reach_what_it_needs_and_no_more(
    node: Node, node_namespace: str, scene: list[Manifest]
) -> None:
    del scene
    core: Any = client.CoreV1Api(node.client)
    node.kubectl("apply", "-f", "-", stdin=json.dumps(listener(node_namespace)))

    def running() -> dict[str, Any]:
        found = {}
        for one in core.list_namespaced_pod(node_namespace).items:
            component = (one.metadata.labels or {}).get("app.kubernetes.io/component", "listener")
            state = one.status.container_statuses
            if state and state[0].started:
                found[component] = one
        return found if len(found) == 3 else {}

    pods = wait_for(running, "three pods run", 90)

    def knock(component: str, address: str, port: int) -> str:
        name = pods[component].metadata.name
        inside = ("exec", name, "--", "python3", "-c", _KNOCK, address, str(port))
        return node.kubectl("-n", node_namespace, *inside).strip()

    there, ingress = pods["listener"].status.pod_ip, pods["ingress"].status.pod_ip
    orchestrator = pods["orchestrator"].status.pod_ip
    assert knock("listener", there, 9999) == "open", "the listener itself must answer"
    reached = {
        component: [port for port in (4222, 5432, 9999) if knock(component, there, port) == "open"]
        for component in BOTH
    }
    assert reached == {"ingress": [4222], "orchestrator": [4222, 5432]}
    assert knock("listener", ingress, 8080) == "open", "webhooks come from anywhere"
    assert knock("ingress", orchestrator, 8080) == "shut", "ingress has no business with it"
    assert knock("orchestrator", ingress, 8080) == "shut"
