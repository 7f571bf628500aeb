"""The node that tests of pods stand on."""

import pytest
from kubernetes import client

from rig.kubernetes import Node
from rig.waiting import wait_for


def _dns(node: Node) -> client.V1ContainerStatus:
    """The container of the cluster's DNS, as the kubelet reports it."""
    core = client.CoreV1Api(node.client)
    pod = core.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items[0]
    assert pod.status is not None
    assert pod.status.container_statuses
    return pod.status.container_statuses[0]


def test_pods_come_back_after_a_power_cut(node: Node) -> None:
    before = _dns(node)
    node.restart()

    def came_back() -> bool:
        now = _dns(node)
        return bool(now.ready and now.restart_count > before.restart_count)

    wait_for(came_back, "the DNS pod runs again, started anew")


def test_usage_of_pods_is_known(node: Node) -> None:
    """Autoscalers by CPU need it."""
    if node.by == "kind":
        pytest.skip("a cluster by kind has no metrics-server")
    wait_for(lambda: "m" in node.kubectl("top", "node", "--no-headers", check=False), "kubectl top node")
