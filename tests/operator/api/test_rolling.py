"""A new version of the services rolls tenants at a pace; a new operator alone restarts nothing."""

from functools import partial

from munshi_operator.kinds import DEPLOYMENT, Ref
from munshi_operator.types import Manifest
from rig.operating import NAMESPACE, PlainChildren, Stage, key_of, ref, tenant

SHOPS = [f"shop-{number}" for number in range(8)]


async def start(stage: Stage) -> None:
    async with stage.operator() as parts:
        for name in SHOPS:
            stage.create(name)
        await stage.until(lambda: all(stage.ready(name) for name in SHOPS))
        await stage.rest(parts)


def images(stage: Stage) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in stage.api.all(DEPLOYMENT):
        owner = one["metadata"]["ownerReferences"][0]["name"]
        found.setdefault(owner, set()).add(one["spec"]["template"]["spec"]["containers"][0]["image"])
    return found


def rolled(stage: Stage) -> set[str]:
    return {name for name, used in images(stage).items() if used == {"munshi:2"}}


def of_one_of(names: set[str], deployment: Manifest) -> bool:
    return deployment["metadata"]["ownerReferences"][0]["name"] in names


async def test_another_spelling_of_the_template_restarts_nothing(stage: Stage) -> None:
    await start(stage)
    before = len(stage.api.writes)
    stage.build = PlainChildren(spelling="b")
    async with stage.operator() as parts:
        await stage.until(lambda: parts.engine.queue.finished >= len(SHOPS))
        await stage.rest(parts)
        assert stage.api.writes[before:] == []
        stage.api.edit(
            Ref(DEPLOYMENT, NAMESPACE, "shop-1-ingress"), lambda one: one["spec"].update(replicas=9)
        )
        await stage.until(lambda: (stage.deployment("shop-1-ingress") or {})["spec"]["replicas"] == 2)


def spelling(stage: Stage, name: str) -> str:
    found = stage.deployment(name)
    assert found is not None
    return str(found["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"])


async def test_a_template_is_spelled_anew_only_when_its_pods_must_restart(stage: Stage) -> None:
    name, orchestrator = SHOPS[1], f"{SHOPS[1]}-orchestrator"
    await start(stage)
    before = stage.deployment(orchestrator)
    assert before is not None
    stage.build = PlainChildren(spelling="b")
    async with stage.operator(wake_on_webhook=False) as parts:
        await stage.until(lambda: parts.engine.queue.finished >= len(SHOPS))
        # What differs beside the template is applied, and the template stays, to the last field.
        stage.api.put(tenant(name, hibernated=True))
        await stage.until(lambda: (stage.deployment(orchestrator) or {})["spec"]["replicas"] == 0)
        await stage.until(lambda: stage.ready(name))
        await stage.rest(parts)
        asleep = stage.deployment(orchestrator)
        assert asleep is not None
        assert asleep["spec"]["template"] == before["spec"]["template"]
        writes = len(stage.api.writes)
        parts.engine.queue.add(key_of(name))
        await stage.rest(parts)
        assert stage.api.writes[writes:] == []
        # What somebody else put there is not taken over by the way.
        stage.api.edit(
            Ref(DEPLOYMENT, NAMESPACE, orchestrator),
            lambda one: one["spec"]["template"]["metadata"]["annotations"].update(restarted="now"),
        )
        stage.api.put(tenant(name))
        await stage.until(lambda: "replicas" not in owned_by_us(stage, orchestrator))
        await stage.rest(parts)
        assert spelling(stage, orchestrator) == "a"
        assert "restarted" not in owned_by_us(stage, orchestrator)
    stage.build = PlainChildren(spelling="b", image="munshi:2")
    async with stage.operator():
        await stage.until(lambda: rolled(stage) == set(SHOPS))
        assert spelling(stage, orchestrator) == "b"


async def test_a_template_that_somebody_took_over_is_not_kept(stage: Stage) -> None:
    name = f"{SHOPS[1]}-ingress"

    def worse(one: Manifest) -> None:
        one["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"
        one["spec"]["replicas"] = 9

    await start(stage)
    stage.build = PlainChildren(spelling="b")
    async with stage.operator():
        stage.api.edit(Ref(DEPLOYMENT, NAMESPACE, name), worse)
        await stage.until(lambda: images(stage)[SHOPS[1]] == {"munshi:1"})


def owned_by_us(stage: Stage, name: str) -> str:
    found = stage.deployment(name)
    assert found is not None
    mine = [one["fieldsV1"] for one in found["metadata"]["managedFields"] if one["operation"] == "Apply"]
    return str(mine)


async def test_so_many_at_once_and_ready_before_the_next(stage: Stage) -> None:
    await start(stage)
    stage.api.pods_come_up = lambda _: False
    stage.build = PlainChildren(image="munshi:2")
    async with stage.operator(rollout_at_once=2) as parts:
        for round_ in range(1, 5):
            await stage.until(lambda n=round_: len(rolled(stage)) == 2 * n)  # type: ignore[misc]
            await stage.rest(parts)
            assert len(rolled(stage)) == 2 * round_
            assert parts.world.rollout.waiting == len(SHOPS) - 2 * round_
            # Old pods serve until new ones are ready: nobody is down.
            assert all(stage.ready(name) for name in SHOPS)
            stage.api.pods_come_up = partial(of_one_of, rolled(stage))
            stage.api.run_pods()
        await stage.until(lambda: all(stage.condition(n, "Progressing")["status"] == "False" for n in SHOPS))


async def test_a_tenant_whose_new_pods_fail_stops_the_rollout(stage: Stage) -> None:
    await start(stage)
    stage.api.pods_come_up = lambda _: False
    stage.build = PlainChildren(image="munshi:2")
    async with stage.operator(rollout_at_once=1, rollout_fail_seconds=0.05) as parts:
        # It may be given up while the second of its Deployments is not written yet.
        await stage.until(lambda: len(parts.world.rollout.failed) == 1 and len(rolled(stage)) == 1)
        first = rolled(stage)
        # A change of a tenant's own is not held up by it.
        other = next(name for name in SHOPS if name not in first)
        stage.api.put(tenant(other, displayName="New"))
        await stage.until(lambda: rolled(stage) == first | {other})
        passes = parts.engine.queue.finished + 3 * len(SHOPS)
        await stage.until(lambda: parts.engine.queue.finished >= passes)
        assert rolled(stage) == first | {other}
    # A restart knows who is under way: the one place is taken.
    async with stage.operator(rollout_at_once=2) as parts:
        await stage.until(lambda: parts.engine.queue.finished >= len(SHOPS))
        await stage.rest(parts)
        assert rolled(stage) == first | {other}
        stage.api.pods_come_up = lambda _: True
        stage.api.run_pods()
        await stage.until(lambda: rolled(stage) == set(SHOPS))


async def test_a_new_tenant_waits_for_no_rollout(stage: Stage) -> None:
    await start(stage)

    def old(one: Manifest) -> bool:
        return one["spec"]["template"]["spec"]["containers"][0]["image"] == "munshi:1" or "new" in str(
            one["metadata"]["name"]
        )

    stage.api.pods_come_up = old
    stage.build = PlainChildren(image="munshi:2")
    async with stage.operator(rollout_at_once=1) as parts:
        await stage.until(lambda: len(rolled(stage)) == 1)
        stage.create("new")
        await stage.until(lambda: stage.ready("new"))
        await stage.rest(parts)
        assert len(rolled(stage)) == 2
        assert key_of("new") not in parts.world.rollout.failed
        assert stage.api.get(ref("new")) is not None
