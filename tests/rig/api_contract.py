"""What the operator relies on of an API server: one suite, for the one in memory and for a real one.

A file that runs it takes in all of its tests and has a fixture `ground`.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import yaml
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig

from munshi.errors import Permanent
from munshi_operator.api import UNMADE, Cluster, Conflict, Expired, Gone, Selection
from munshi_operator.cluster import LightkubeCluster
from munshi_operator.drift import changed, mark_of, owned_fields, same_mark, stamped
from munshi_operator.kinds import DEPLOYMENT, SECRET, TENANT, Kind, Ref
from munshi_operator.observed import FINALIZER
from munshi_operator.types import Manifest
from rig.kube import MemoryApi, MemoryCluster
from rig.operating import secret, tenant

ROOT = Path(__file__).resolve().parents[2]


class Ground(ABC):
    """A namespace of one test, the operator's way to it, and the hands of somebody else."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    @abstractmethod
    async def put(self, manifest: Manifest, manager: str = "kubectl") -> Manifest:
        """Somebody else makes an object."""

    @abstractmethod
    async def edit(self, ref: Ref, path: list[str], value: object, manager: str = "kubectl-edit") -> Manifest:
        """Somebody else changes one value; `None` takes it away."""

    @abstractmethod
    async def remove(self, ref: Ref) -> None:
        """Somebody else deletes an object."""

    async def seen(self, ref: Ref) -> Manifest | None:
        """The object as it is."""
        return await self.cluster.get(ref)

    def ref(self, kind: Kind, name: str) -> Ref:
        """An object of this test."""
        return Ref(kind, self.namespace, name)


class MemoryGround(Ground):
    """On the API in memory."""

    def __init__(self) -> None:
        self.api = MemoryApi()
        super().__init__(MemoryCluster(self.api), "shops")

    async def put(self, manifest: Manifest, manager: str = "kubectl") -> Manifest:
        return self.api.put(manifest, manager)

    async def edit(self, ref: Ref, path: list[str], value: object, manager: str = "kubectl-edit") -> Manifest:
        def change(one: Manifest) -> None:
            _set(one, path, value)

        return self.api.edit(ref, change, manager)

    async def remove(self, ref: Ref) -> None:
        self.api.remove(ref)


class RealGround(Ground):
    """On a real API server."""

    def __init__(self, client: httpx2.AsyncClient, namespace: str) -> None:
        super().__init__(LightkubeCluster(client), namespace)
        self.client = client

    async def put(self, manifest: Manifest, manager: str = "kubectl") -> Manifest:
        kind = {"Secret": SECRET, "Deployment": DEPLOYMENT, TENANT.name: TENANT}[manifest["kind"]]
        response = await self.client.post(
            kind.path(self.namespace), params={"fieldManager": manager}, content=orjson.dumps(manifest)
        )
        response.raise_for_status()
        made: Manifest = response.json()
        return made

    async def edit(self, ref: Ref, path: list[str], value: object, manager: str = "kubectl-edit") -> Manifest:
        while True:
            found = await self.cluster.get(ref)
            assert found is not None
            _set(found, path, value)
            response = await self.client.put(
                ref.kind.path(ref.namespace, ref.name),
                params={"fieldManager": manager},
                content=orjson.dumps(found),
            )
            if response.status_code != 409:  # a controller wrote the status in between
                break
        response.raise_for_status()
        made: Manifest = response.json()
        return made

    async def remove(self, ref: Ref) -> None:
        await self.client.delete(ref.kind.path(ref.namespace, ref.name))


def _set(whole: Any, path: list[str], value: object) -> None:
    for step in path[:-1]:
        whole = whole[int(step)] if isinstance(whole, list) else whole.setdefault(step, {})
    last = int(path[-1]) if isinstance(whole, list) else path[-1]
    if value is None:
        del whole[last]
    else:
        whole[last] = value


def way_in(kubeconfig: Path) -> httpx2.AsyncClient:
    """Requests to a real API server, as its administrator."""
    config = KubeConfig.from_file(kubeconfig).get()
    assert config is not None
    return AsyncClient(config, ConnectionParams(timeout=httpx2.Timeout(20), trust_env=False))


async def ensure_definition(client: httpx2.AsyncClient) -> None:
    """The CRD, until the server serves it."""
    definition = yaml.safe_load((ROOT / "crds/whatsapptenants.munshi.dev.yaml").read_text())
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
    applied = await client.patch(
        path,
        params={"fieldManager": "tests", "force": "true"},
        content=orjson.dumps(definition),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
    applied.raise_for_status()
    for _ in range(200):
        if (await client.get(TENANT.path())).status_code == 200:
            return
    raise AssertionError("the CRD is not served")


def deployment(ground: Ground, *, image: str = "munshi:1", spare: bool = True) -> Manifest:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    labels = {"app": "x"}
    container = {
        "name": "main",
        "image": image,
        "env": env if spare else env[:1],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"cpu": "1000m", "memory": "64Mi"}},
    }
    return stamped(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "x", "namespace": ground.namespace, "labels": {"munshi.dev/tenant": "x"}},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]},
                },
            },
        }
    )


def drift(wanted: Manifest, raw: Manifest) -> list[str]:
    assert same_mark(mark_of(wanted), mark_of(raw))
    return changed(wanted, raw, owned_fields(raw))


async def own_tenant(ground: Ground, name: str = "sharma") -> Manifest:
    manifest = tenant(name)
    manifest["metadata"]["namespace"] = ground.namespace
    return await ground.put(manifest)


def bare(raw: Manifest, **meta: object) -> Manifest:
    named = {key: raw["metadata"][key] for key in ("name", "namespace", "uid")}
    return {"apiVersion": raw["apiVersion"], "kind": raw["kind"], "metadata": {**named, **meta}}


async def test_what_is_applied_is_there_without_drift_and_applying_again_changes_nothing(
    ground: Ground,
) -> None:
    wanted = deployment(ground)
    first = await ground.cluster.apply(wanted)
    assert drift(wanted, first) == []
    again = await ground.cluster.apply(wanted)
    assert again["metadata"]["generation"] == first["metadata"]["generation"]
    assert again["spec"] == first["spec"]
    assert drift(wanted, again) == []


async def test_what_is_no_longer_applied_goes(ground: Ground) -> None:
    await ground.cluster.apply(deployment(ground))
    raw = await ground.cluster.apply(deployment(ground, spare=False))
    env = raw["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [one["name"] for one in env] == ["A"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "replicas"], 7),
        (["spec", "template", "spec", "containers", "0", "image"], "evil:1"),
        (["spec", "template", "spec", "containers", "0", "env", "1"], None),
        (["spec", "template", "spec", "containers", "0", "env", "1", "value"], "9"),
        (["spec", "template", "spec", "containers", "0", "resources", "requests", "cpu"], "2"),
        (["metadata", "labels", "munshi.dev/tenant"], "y"),
    ],
)
async def test_an_edit_of_an_owned_value_is_drift_and_set_back(
    ground: Ground, path: list[str], value: object
) -> None:
    wanted = deployment(ground)
    await ground.cluster.apply(wanted)
    edited = await ground.edit(ground.ref(DEPLOYMENT, "x"), path, value)
    assert len(drift(wanted, edited)) == 1
    back = await ground.cluster.apply(wanted)
    assert drift(wanted, back) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["metadata", "annotations", "team"], "payments"),
        (["metadata", "labels", "mesh"], "on"),
        (["spec", "minReadySeconds"], 5),
        (["spec", "template", "spec", "containers", "0", "imagePullPolicy"], "Always"),
    ],
)
async def test_what_others_own_is_theirs(ground: Ground, path: list[str], value: object) -> None:
    wanted = deployment(ground)
    await ground.cluster.apply(wanted)
    edited = await ground.edit(ground.ref(DEPLOYMENT, "x"), path, value, "somebody")
    assert drift(wanted, edited) == []
    after = await ground.cluster.apply(wanted)
    for step in path:
        after = after[int(step)] if isinstance(after, list) else after[step]
    assert after == value


async def test_an_autoscaler_keeps_its_replicas(ground: Ground) -> None:
    wanted = deployment(ground)
    del wanted["spec"]["replicas"]
    wanted = stamped(wanted)
    await ground.cluster.apply(wanted)
    edited = await ground.edit(ground.ref(DEPLOYMENT, "x"), ["spec", "replicas"], 5, "autoscaler")
    assert drift(wanted, edited) == []
    assert (await ground.cluster.apply(wanted))["spec"]["replicas"] == 5


async def test_the_finalizer_comes_and_goes_by_apply_and_leaves_others(ground: Ground) -> None:
    raw = await own_tenant(ground)
    held = await ground.cluster.apply(bare(raw, finalizers=[FINALIZER]))
    assert held["metadata"]["finalizers"] == [FINALIZER]
    assert held["spec"] == raw["spec"]
    ref = ground.ref(TENANT, "sharma")
    await ground.edit(ref, ["metadata", "finalizers"], [FINALIZER, "backup.example/keep"])
    await ground.remove(ref)
    left = await ground.cluster.apply(bare(raw))
    assert left["metadata"]["finalizers"] == ["backup.example/keep"]
    await ground.edit(ref, ["metadata", "finalizers"], [])
    assert await ground.seen(ref) is None


async def test_no_apply_makes_a_tenant_that_is_gone(ground: Ground) -> None:
    raw = await own_tenant(ground)
    await ground.remove(ground.ref(TENANT, "sharma"))
    with pytest.raises(Conflict):
        await ground.cluster.apply(bare(raw, finalizers=[FINALIZER]))
    with pytest.raises(Gone):
        await ground.cluster.apply({**bare(raw), "status": {"phase": "Ready"}}, "status")
    again = await own_tenant(ground)
    assert again["metadata"]["uid"] != raw["metadata"]["uid"]
    with pytest.raises(Conflict):
        await ground.cluster.apply(bare(raw, finalizers=[FINALIZER]))


async def test_a_finalizer_cannot_come_while_it_goes(ground: Ground) -> None:
    raw = await own_tenant(ground)
    ref = ground.ref(TENANT, "sharma")
    await ground.edit(ref, ["metadata", "finalizers"], ["backup.example/keep"])
    await ground.remove(ref)
    with pytest.raises(Permanent):
        await ground.cluster.apply(bare(raw, finalizers=[FINALIZER]))
    await ground.edit(ref, ["metadata", "finalizers"], [])


async def test_a_status_is_written_beside_the_spec_and_a_field_left_out_goes(ground: Ground) -> None:
    raw = await own_tenant(ground)
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Serving",
        "message": "",
        "lastTransitionTime": "2026-11-21T12:00:00Z",
        "observedGeneration": 1,
    }
    whole = {
        "observedGeneration": 1,
        "conditions": [ready],
        "webhookURL": "https://hooks.example.test/x",
        "cell": "pool",
        "phase": "Ready",
        "applied": "abc.def",
        "replicas": 1,
        "readyReplicas": 1,
        "selector": "a=b",
    }
    after = await ground.cluster.apply({**bare(raw), "status": whole}, "status")
    assert after["status"] == whole
    assert after["metadata"]["generation"] == raw["metadata"]["generation"]
    assert after["spec"] == raw["spec"]
    await ground.cluster.apply(bare(raw, finalizers=[FINALIZER]))
    less = await ground.cluster.apply({**bare(raw), "status": {"phase": "Failed"}}, "status")
    assert less["status"] == {"phase": "Failed"}
    assert less["metadata"]["finalizers"] == [FINALIZER]
    await ground.cluster.apply(bare(raw))


async def test_a_deletion_with_another_uid_deletes_nothing(ground: Ground) -> None:
    raw = await ground.cluster.apply(deployment(ground))
    ref = ground.ref(DEPLOYMENT, "x")
    await ground.cluster.delete(ref, "00000000-0000-0000-0000-000000000000")
    assert await ground.seen(ref) is not None
    await ground.cluster.delete(ref, raw["metadata"]["uid"])
    assert await ground.seen(ref) is None
    await ground.cluster.delete(ref, raw["metadata"]["uid"])


async def test_an_apply_that_makes_takes_nothing_over(ground: Ground) -> None:
    wanted = deployment(ground)
    making = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": UNMADE}}
    first = await ground.cluster.apply(making)
    assert drift(wanted, first) == []
    with pytest.raises(Conflict):
        await ground.cluster.apply(making)
    less = await ground.cluster.apply(deployment(ground, spare=False))  # it was made as an apply makes it
    env = less["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [one["name"] for one in env] == ["A"]
    ref = ground.ref(DEPLOYMENT, "x")
    await ground.cluster.delete(ref, first["metadata"]["uid"])
    theirs = await ground.put({**wanted, "metadata": {"name": "x", "namespace": ground.namespace}})
    with pytest.raises(Conflict):
        await ground.cluster.apply(making)
    standing = await ground.seen(ref)
    assert standing is not None
    assert standing["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert "labels" not in standing["metadata"]


async def test_an_apply_to_an_object_that_is_another_by_now_is_refused(ground: Ground) -> None:
    wanted = deployment(ground)
    first = await ground.cluster.apply(wanted)
    seen = {**wanted, "metadata": {**wanted["metadata"], "uid": first["metadata"]["uid"]}}
    assert drift(wanted, await ground.cluster.apply(seen)) == []
    await ground.cluster.delete(ground.ref(DEPLOYMENT, "x"), first["metadata"]["uid"])
    with pytest.raises(Conflict):
        await ground.cluster.apply(seen)
    await ground.put({**wanted, "metadata": {"name": "x", "namespace": ground.namespace}})
    with pytest.raises(Conflict):
        await ground.cluster.apply(seen)


async def test_create_and_replace_refuse_to_overwrite(ground: Ground) -> None:
    made = secret("x")
    made["metadata"]["namespace"] = ground.namespace
    first = await ground.cluster.create(made)
    with pytest.raises(Conflict):
        await ground.cluster.create(made)
    second = await ground.cluster.replace({**first, "data": {}})
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        await ground.cluster.replace({**first, "data": {"a": "YQ=="}})


async def test_a_list_and_the_watch_after_it_miss_nothing(ground: Ground) -> None:
    await ground.cluster.apply(deployment(ground))
    selection = Selection(DEPLOYMENT, ground.namespace, labels="munshi.dev/tenant")
    pages = [page async for page in ground.cluster.list(selection)]
    assert [item["metadata"]["name"] for page in pages for item in page.items] == ["x"]
    ref = ground.ref(DEPLOYMENT, "x")
    await ground.edit(ref, ["spec", "replicas"], 3)
    found = await ground.seen(ref)
    assert found is not None
    await ground.cluster.delete(ref, found["metadata"]["uid"])
    types = []
    async for change in ground.cluster.watch(selection, pages[-1].resource_version):
        if change.type != "BOOKMARK":
            types.append(change.type)
        if change.type == "DELETED":
            break
    assert types[0] == "MODIFIED"
    assert types[-1] == "DELETED"


async def test_a_watch_from_too_long_ago_says_so(ground: Ground) -> None:
    if not isinstance(ground, MemoryGround):
        pytest.skip("a young server has forgotten nothing")
    await ground.cluster.apply(deployment(ground))
    await ground.cluster.apply(deployment(ground, image="munshi:2"))
    ground.api.forget_history()
    with pytest.raises(Expired):
        async for _ in ground.cluster.watch(Selection(DEPLOYMENT, ground.namespace), "1"):
            pass


async def test_a_kind_that_is_not_installed_is_gone(ground: Ground) -> None:
    nowhere = Kind("nowhere.munshi.dev", "v1", "Nothing", "nothings")
    if isinstance(ground, MemoryGround):
        ground.api.absent.add(nowhere)
    selection = Selection(nowhere, ground.namespace)
    with pytest.raises(Gone):
        async for _ in ground.cluster.list(selection):
            pass
