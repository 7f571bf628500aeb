"""Objects that people made, and that by chance have a child's name, are not touched."""

import copy

import pytest

from munshi.contracts.ids import CellName
from munshi_operator.kinds import CHILDREN, DEPLOYMENT, EVENT, SERVICE, SERVICE_ACCOUNT, Ref
from munshi_operator.observed import TENANT_LABEL
from munshi_operator.types import Manifest
from rig.operating import NAMESPACE, Stage, key_of, ref, tenant

NAME = "sharma"
KEY = key_of(NAME)


def somebodys(kind: str, name: str, **labels: str) -> Manifest:
    """A Service or Deployment of a person."""
    meta = {"name": name, "namespace": NAMESPACE, "labels": {"app": "theirs", **labels}}
    if kind == "Service":
        return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": {"ports": [{"port": 5432}]}}
    if kind == "ServiceAccount":
        return {"apiVersion": "v1", "kind": kind, "metadata": meta}
    template = {"metadata": {"labels": {"app": "theirs"}}, "spec": {"containers": [{"name": "db"}]}}
    spec = {"selector": {"matchLabels": {"app": "theirs"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec}


@pytest.mark.parametrize("labelled", [False, True], ids=["plain", "with-our-tenant-label"])
@pytest.mark.parametrize("kind", [SERVICE, DEPLOYMENT, SERVICE_ACCOUNT], ids=lambda kind: kind.name)
async def test_somebodys_object_is_left_alone_and_all_else_goes_on(
    stage: Stage, kind: object, labelled: bool
) -> None:
    taken = next(Ref(one, NAMESPACE, f"{NAME}-ingress") for one in CHILDREN if one is kind)
    theirs = stage.api.put(
        somebodys(taken.kind.name, taken.name, **({TENANT_LABEL: NAME} if labelled else {}))
    )
    stage.api.run_pods()
    theirs = copy.deepcopy(stage.api.get(taken) or theirs)
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "NameTaken")
        message = stage.condition(NAME, "Degraded")["message"]
        assert f"{taken.kind.name} {NAMESPACE}/{NAME}-ingress" in message
        assert "delete or rename it" in message
        assert stage.condition(NAME, "Ready")["reason"] == "NameTaken"
        assert stage.deployment(f"{NAME}-orchestrator") is not None
        assert KEY in stage.outside.entries[CellName(KEY)]
        await stage.rest(parts)
        assert stage.api.get(taken) == theirs
        assert [one["reason"] for one in stage.api.all(EVENT)].count("NameTaken") <= 2
        stage.api.remove(taken)
        parts.engine.queue.add(KEY)
        await stage.until(lambda: stage.ready(NAME))
        assert stage.condition(NAME, "Degraded")["status"] == "False"


async def test_the_end_of_the_tenant_leaves_it_too(stage: Stage) -> None:
    taken = Ref(SERVICE, NAMESPACE, f"{NAME}-ingress")
    theirs = stage.api.put(somebodys("Service", taken.name))
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "NameTaken")
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
    assert stage.api.get(taken) == theirs
    assert not stage.api.all(DEPLOYMENT)


async def test_an_object_that_comes_in_the_last_moment_is_not_taken_over(stage: Stage) -> None:
    taken = Ref(SERVICE, NAMESPACE, f"{NAME}-ingress")

    def somebody_is_quicker(verb: str, written: Ref) -> None:
        if verb == "apply" and written == taken and stage.api.get(taken) is None:
            stage.api.put(somebodys("Service", taken.name))

    stage.api.refuse = somebody_is_quicker
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "NameTaken")
        await stage.rest(parts)
        theirs = stage.api.get(taken)
        assert theirs is not None
        assert theirs["metadata"]["labels"] == {"app": "theirs"}
        assert "ownerReferences" not in theirs["metadata"]
        before = len(stage.api.writes)
        parts.engine.queue.add(KEY)
        await stage.rest(parts)
        assert ("apply", taken) not in stage.api.writes[before:]  # it looks before it tries again


async def test_an_object_that_took_the_place_of_a_child_is_not_taken_over(stage: Stage) -> None:
    taken = Ref(SERVICE, NAMESPACE, f"{NAME}-ingress")
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
        stage.api.silent = True  # the watch has not told of it when the next pass wants to write
        stage.api.remove(taken)
        theirs = stage.api.put(somebodys("Service", taken.name))
        stage.build.port = 81
        parts.engine.queue.add(KEY)
        await stage.until(lambda: parts.engine.queue.failures(KEY) >= 2)
        assert stage.api.get(taken) == theirs
        stage.api.silent = False
        await stage.api.wake()
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "NameTaken")
        assert stage.api.get(taken) == theirs


async def test_a_move_waits_for_the_name(stage: Stage) -> None:
    taken = Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-ingress")
    async with stage.operator() as parts:
        stage.create(NAME, isolation="Pooled")
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(somebodys("Deployment", taken.name))
        stage.api.put(tenant(NAME, isolation="Dedicated"))
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "NameTaken")
        assert stage.status(NAME)["cell"] == "pool"
        stage.api.remove(taken)
        parts.engine.queue.add(KEY)
        await stage.until(lambda: stage.status(NAME).get("cell") == KEY and stage.ready(NAME))


async def test_a_child_whose_labels_were_taken_off_is_still_known(stage: Stage) -> None:
    child = Ref(SERVICE, NAMESPACE, f"{NAME}-ingress")
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
    stage.api.edit(child, lambda one: one["metadata"].update(labels={}))
    async with stage.operator():  # which never saw it: nothing of it tells the watch that it is ours
        await stage.until(
            lambda: TENANT_LABEL in ((stage.api.get(child) or {})["metadata"].get("labels") or {})
        )
