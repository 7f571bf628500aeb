"""`helm uninstall`, last of all: what goes and what stays."""

import json

import pytest

from rig.installed import NAMESPACE, RELEASE, Installed, Shops


@pytest.mark.uninstalls
def test_an_uninstall_leaves_what_it_must(installed: Installed, shops: Shops) -> None:
    key = installed.secret("munshi-keys")
    installed.node.kubectl("delete", "wat", "--all", "--all-namespaces", "--timeout=240s")
    installed.helm("uninstall", RELEASE, "--wait")
    everything = "deployments,statefulsets,services,configmaps,networkpolicies,poddisruptionbudgets,jobs"
    left = json.loads(
        installed.kubectl("get", everything, "--selector=app.kubernetes.io/part-of=munshi", "-o", "json")
    )
    assert [one["metadata"]["name"] for one in left["items"]] == []
    assert installed.secret("munshi-keys") == key
    assert installed.node.kubectl("get", "crd", "whatsapptenants.munshi.dev")
    assert installed.node.kubectl("-n", shops.namespace, "get", "deployments,services", "-o", "name") == ""
    cluster_wide = "clusterroles,clusterrolebindings"
    told = installed.node.kubectl("get", cluster_wide, "-l", "app.kubernetes.io/part-of=munshi", "-o", "name")
    assert told == "", f"left of {NAMESPACE}"
