"""The API server that tests of objects stand on."""

import pytest
from kubernetes import client

from rig.kubernetes import Cluster


def test_pods_of_fake_nodes_become_ready(control_plane: Cluster, namespace: str) -> None:
    if control_plane.by == "kind":
        pytest.skip("a cluster by kind has no fake nodes")
    kubectl = ("-n", namespace)
    control_plane.kubectl(*kubectl, "create", "deployment", "many", "--image=never-pulled", "--replicas=20")
    told = control_plane.kubectl(*kubectl, "rollout", "status", "deployment/many", "--timeout=60s")
    assert "successfully rolled out" in told


def test_a_restarted_api_server_knows_what_it_knew(control_plane: Cluster, namespace: str) -> None:
    core = client.CoreV1Api(control_plane.client)
    kept = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="kept"), data={"a": "b"})
    core.create_namespaced_config_map(namespace, kept)
    control_plane.restart_api()
    assert core.read_namespaced_config_map("kept", namespace).data == {"a": "b"}
