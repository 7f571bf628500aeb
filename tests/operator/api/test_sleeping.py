"""A hibernated tenant sleeps, wakes when somebody writes, and sleeps again."""

import pytest

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from rig.operating import Stage, key_of, tenant

NAME = "sharma"
KEY = key_of(NAME)


def replicas(stage: Stage, name: str) -> int:
    found = stage.deployment(f"{name}-orchestrator")
    return int(found["spec"]["replicas"]) if found else -1


@pytest.mark.parametrize("restarted", [False, True])
async def test_it_wakes_on_the_first_message_and_sleeps_again(stage: Stage, restarted: bool) -> None:
    cell = CellName(KEY)
    async with stage.operator(idle_seconds=60.0 if restarted else 0.1) as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, hibernated=True))
        # Its pods run, so it counts as awake until it has been idle.
        parts.world.wakefulness.idle_seconds = 0.05
        await stage.until(lambda: replicas(stage, NAME) == 0)
        await stage.until(lambda: stage.status(NAME)["phase"] == "Hibernated")
        parts.world.wakefulness.idle_seconds = 60.0
        ingress = stage.deployment(f"{NAME}-ingress")
        assert ingress is not None
        assert ingress["spec"]["replicas"] == 2
        assert stage.outside.entries[cell][KEY].hibernated
        assert stage.outside.post(cell, KEY)
        await stage.until(lambda: replicas(stage, NAME) == 1)
        await stage.until(lambda: not stage.outside.entries[cell][KEY].hibernated)
        stage.outside.turn()
        assert stage.outside.worked_off[KEY] == 1
        if not restarted:
            parts.world.wakefulness.idle_seconds = 0.05
            await stage.until(lambda: replicas(stage, NAME) == 0)
            await stage.until(lambda: stage.outside.entries[cell][KEY].hibernated)
    if restarted:
        async with stage.operator(idle_seconds=60.0) as parts:
            await stage.until(lambda: parts.engine.queue.finished > 0)
            assert replicas(stage, NAME) == 1
            parts.world.wakefulness.idle_seconds = 0.05
            await stage.until(lambda: replicas(stage, NAME) == 0)


async def test_a_pooled_one_sleeps_as_an_entry(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME, isolation="Pooled", hibernated=True)
        await stage.until(lambda: stage.ready(NAME))
        assert stage.outside.entries[POOL][KEY].hibernated
        stage.outside.post(POOL, KEY)
        await stage.until(lambda: not stage.outside.entries[POOL][KEY].hibernated)
        stage.outside.turn()
        await stage.until(lambda: stage.outside.entries[POOL][KEY].hibernated)


async def test_it_sleeps_for_good_where_values_say_so(stage: Stage) -> None:
    async with stage.operator(wake_on_webhook=False) as parts:
        stage.create(NAME, hibernated=True)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.post(CellName(KEY), KEY)
        parts.engine.queue.add(KEY)
        await stage.rest(parts)
        assert replicas(stage, NAME) == 0
        stage.api.put(tenant(NAME, hibernated=False))
        await stage.until(
            lambda: stage.ready(NAME) and not stage.outside.entries[CellName(KEY)][KEY].hibernated
        )


async def test_a_name_that_speaks_of_an_orchestrator_confuses_nothing(stage: Stage) -> None:
    name = "orchestrator-shop"
    async with stage.operator() as parts:
        stage.create(name)
        await stage.until(lambda: stage.ready(name))
        assert stage.status(name)["selector"] == f"app.kubernetes.io/name={name}-orchestrator"
        stage.api.put(tenant(name, hibernated=True))
        await stage.until(lambda: replicas(stage, name) == 0)
        # Its ingress, whose name speaks of an orchestrator too, must not count as one that is awake.
        passes = parts.engine.queue.finished + 10
        woken: list[int] = []

        def later() -> bool:
            woken.append(replicas(stage, name))
            return parts.engine.queue.finished >= passes

        await stage.until(later)
    assert set(woken) == {0}
