"""A tenant from its creation through changes: made, ready, at rest, changed, set right."""

from typing import Any

import pytest

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi_operator.drift import APPLIED
from munshi_operator.kinds import CHILDREN, DEPLOYMENT, EVENT, SECRET, SERVICE, Ref
from rig.operating import NAMESPACE, Stage, key_of, tenant

NAME = "sharma"
KEY = key_of(NAME)


async def made(stage: Stage, **spec: Any) -> None:
    stage.create(NAME, **spec)


async def test_dedicated_tenant_becomes_ready_with_all_that_it_needs(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME), "the tenant is Ready")
        await stage.rest(parts)
    names = {one["metadata"]["name"] for one in stage.api.all(DEPLOYMENT)}
    assert names == {f"{NAME}-ingress", f"{NAME}-orchestrator"}
    assert set(stage.outside.entries) == {CellName(KEY)}
    status = stage.status(NAME)
    assert status["webhookURL"] == f"https://hooks.example.test/webhooks/whatsapp/{KEY}"
    assert status["cell"] == KEY
    assert status["phase"] == "Ready"
    assert status["replicas"] == status["readyReplicas"] == 1
    assert status["selector"] == f"app.kubernetes.io/name={NAME}-orchestrator"
    truths = {one["type"]: one["status"] for one in status["conditions"]}
    assert truths == {
        "Ready": "True",
        "Progressing": "False",
        "CredentialsValid": "True",
        "WebhookVerified": "True",
        "DatabaseReady": "True",
        "StreamsReady": "True",
        "StorageReady": "True",
        "Paused": "False",
        "Degraded": "False",
    }


async def test_pooled_tenant_is_an_entry_in_the_pool_and_no_object(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME, isolation="Pooled")
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
    assert not stage.api.all(DEPLOYMENT)
    assert KEY in stage.outside.entries[POOL]
    assert stage.status(NAME)["cell"] == POOL


async def test_a_rest_state_is_left_alone_also_by_a_new_operator(stage: Stage) -> None:
    async with stage.operator() as parts:
        for number in range(20):
            stage.create(f"shop-{number}", isolation="Dedicated" if number % 2 else "Pooled")
        await stage.until(lambda: all(stage.ready(f"shop-{n}") for n in range(20)))
        await stage.rest(parts)
        before, calls = len(stage.api.writes), len(stage.outside.calls)
        for number in range(20):
            parts.engine.queue.add(key_of(f"shop-{number}"))
        await stage.rest(parts)
        assert stage.api.writes[before:] == []
    async with stage.operator() as parts:
        await stage.until(lambda: parts.engine.queue.finished >= 20)
        await stage.rest(parts)
    assert stage.api.writes[before:] == []
    assert stage.outside.calls[calls:] == []
    assert sum(stage.meta.checks.values()) == 20


async def test_a_changed_spec_reaches_outside_and_status(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, displayName="Sharma & Sons"))
        await stage.until(
            lambda: (
                stage.outside.entries[CellName(KEY)][KEY].object.tenant.spec.display_name == "Sharma & Sons"
            )
        )
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
    assert stage.status(NAME)["observedGeneration"] == 2


async def test_a_rotated_token_is_live_and_checked_in_a_moment(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.rotate(NAME, "new")
        await stage.until(
            lambda: stage.outside.entries[CellName(KEY)][KEY].credentials["access-token"] == "new"
        )
        await stage.until(lambda: stage.meta.checks[KEY] == 2)
        stage.rotate(NAME, "bad")
        await stage.until(lambda: stage.condition(NAME, "CredentialsValid").get("status") == "False")
        await stage.rest(parts)
        assert stage.condition(NAME, "Ready")["reason"] == "TokenRefused"
        assert "put a new one" in stage.condition(NAME, "Degraded")["message"]
        stage.rotate(NAME, "good")
        await stage.until(lambda: stage.ready(NAME))


async def test_the_secret_may_come_after_its_tenant_and_go_again(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.api.put(tenant(NAME))
        await stage.until(lambda: stage.condition(NAME, "Ready").get("reason") == "SecretMissing")
        assert not stage.outside.entries
        stage.rotate(NAME, "token")
        await stage.until(lambda: stage.ready(NAME))
        stage.api.remove(Ref(SECRET, NAMESPACE, f"{NAME}-whatsapp"))
        await stage.until(lambda: stage.condition(NAME, "Ready").get("reason") == "SecretMissing")
        await stage.rest(parts)
        assert len(stage.api.all(DEPLOYMENT)) == 2
        assert KEY in stage.outside.entries[CellName(KEY)]
        stage.rotate(NAME, "token")
        await stage.until(lambda: stage.ready(NAME), "the same Secret is back")


@pytest.mark.parametrize("deleted", [False, True])
async def test_drift_of_every_child_is_set_right(stage: Stage, deleted: bool) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
        children = [
            Ref(kind, NAMESPACE, one["metadata"]["name"])
            for kind in CHILDREN
            for one in stage.api.all(kind)
            if APPLIED in (one["metadata"].get("annotations") or {})
        ]
        assert len(children) == 6
        for child in children:
            before = stage.api.get(child)
            assert before is not None
            if deleted:
                stage.api.remove(child)
            else:
                stage.api.edit(child, lambda one: one["metadata"].update(ownerReferences=[]))
            await stage.until(lambda c=child, b=before: as_before(stage, c, b), str(child))  # type: ignore[misc]
        await stage.rest(parts)


def as_before(stage: Stage, child: Ref, before: dict[str, Any]) -> bool:
    now = stage.api.get(child)
    if now is None:
        return False
    same = {name: now.get(name) for name in ("spec", "data")} == {
        name: before.get(name) for name in ("spec", "data")
    }
    return same and all(
        now["metadata"].get(name) == before["metadata"].get(name)
        for name in ("labels", "annotations", "ownerReferences")
    )


async def test_an_edit_of_an_owned_field_is_set_back_and_others_keep_theirs(stage: Stage) -> None:
    ingress = Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-ingress")
    orchestrator = Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-orchestrator")
    service = Ref(SERVICE, NAMESPACE, f"{NAME}-ingress")

    def worse(one: dict[str, Any]) -> None:
        one["spec"]["replicas"] = 7
        one["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"

    def theirs(one: dict[str, Any]) -> None:
        one["metadata"].setdefault("annotations", {})["team"] = "payments"
        one["spec"]["replicas"] = 5

    def no_env(one: dict[str, Any]) -> None:
        del one["spec"]["template"]["spec"]["containers"][0]["env"][1]

    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
        stage.api.edit(ingress, worse)
        await stage.until(lambda: replicas(stage, ingress) == 2 and image(stage, ingress) == "munshi:1")
        stage.api.edit(ingress, no_env)
        await stage.until(lambda: len(container(stage, ingress)["env"]) == 2)
        await stage.rest(parts)
        before = len(stage.api.writes)
        stage.api.edit(orchestrator, theirs, manager="autoscaler")
        stage.api.edit(
            service,
            lambda one: one["metadata"].update(annotations={"mesh": "on", **one["metadata"]["annotations"]}),
        )
        await stage.rest(parts)
        assert replicas(stage, orchestrator) == 5
        assert [w for w in stage.api.writes[before:] if w[0] == "apply"] == []
    events = [one["reason"] for one in stage.api.all(EVENT)]
    assert "DriftRepaired" in events


def container(stage: Stage, deployment: Ref) -> dict[str, Any]:
    found = stage.api.get(deployment)
    assert found is not None
    first: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    return first


def image(stage: Stage, deployment: Ref) -> str:
    return str(container(stage, deployment)["image"])


def replicas(stage: Stage, deployment: Ref) -> int:
    found = stage.api.get(deployment)
    assert found is not None
    return int(found["spec"]["replicas"])


async def test_what_drifted_outside_is_set_right_at_the_resync(stage: Stage) -> None:
    async with stage.operator(resync_seconds=0.1) as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.drifted.add(KEY)
        await stage.until(lambda: KEY not in stage.outside.drifted)
        await stage.until(lambda: parts.world.repaired["streams"] == 1)


async def test_a_paused_tenant_is_left_alone_until_it_goes_on(stage: Stage) -> None:
    ingress = Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-ingress")
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, paused=True))
        await stage.until(lambda: stage.condition(NAME, "Paused").get("status") == "True")
        await stage.rest(parts)
        before = len(stage.api.writes)
        stage.api.remove(ingress)
        stage.rotate(NAME, "new")
        await stage.rest(parts)
        assert stage.api.writes[before:] == []
        stage.api.put(tenant(NAME, paused=False))
        await stage.until(lambda: stage.api.get(ingress) is not None)
        await stage.until(lambda: stage.ready(NAME))
        assert stage.condition(NAME, "Paused")["status"] == "False"


async def test_what_a_newer_definition_adds_is_passed_over(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME, mood="cheerful", ledger={"chimes": True})
        await stage.until(lambda: stage.ready(NAME))
    assert stage.condition(NAME, "Degraded")["status"] == "False"


async def test_a_spec_that_only_the_contract_refuses_says_so(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME, timeZone="Mars/Olympus")
        await stage.until(lambda: stage.condition(NAME, "Ready").get("reason") == "SpecInvalid")
        assert "Mars/Olympus" in stage.condition(NAME, "Ready")["message"]
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.create(NAME, timeZone="Mars/Olympus")
        await stage.until(lambda: stage.condition(NAME, "Ready").get("reason") == "SpecInvalid")
