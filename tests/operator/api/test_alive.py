"""Liveness is tied to progress: a process that does nothing while it should is restarted."""

import asyncio

from prometheus_client import generate_latest

from munshi.errors import Retryable
from munshi_operator.health import alive
from munshi_operator.metrics import make_registry
from rig.operating import Stage, tenant


async def test_an_operator_at_work_or_at_rest_is_alive_and_counts(stage: Stage) -> None:
    async with stage.operator() as parts:
        registry = make_registry(parts, lambda: True)
        stage.create("sharma")
        await stage.until(lambda: stage.ready("sharma"))
        await stage.rest(parts)
        assert alive(parts.engine) is None
        text = generate_latest(registry).decode()
    for series in (
        'munshi_operator_tenants{ready="True"} 1.0',
        'munshi_operator_api_writes_total{kind="Deployment",outcome="ok",verb="apply"} 2.0',
        "munshi_operator_queue_depth 0.0",
        "munshi_operator_leader 1.0",
        'munshi_operator_watch_age_seconds{kind="Deployment"}',
        "munshi_operator_finalizers_stuck 0.0",
    ):
        assert series in text, text


async def test_a_deaf_watch_of_tenants_is_no_life(stage: Stage) -> None:
    async with stage.operator(census_seconds=0.05) as parts:
        stage.create("sharma")
        await stage.until(lambda: stage.ready("sharma"))
        await stage.rest(parts)
        stage.api.silent = True
        names = iter(f"Name {number}" for number in range(10_000))

        def deaf() -> bool:
            stage.api.put(tenant("sharma", displayName=next(names)))
            return alive(parts.engine) is not None

        await stage.until(deaf)


async def test_an_api_server_that_is_away_is_no_reason_to_die(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create("sharma")
        await stage.until(lambda: stage.ready("sharma"))
        stage.api.refuse = lambda _v, _r: Retryable("away")
        await stage.api.wake()
        for reflector in parts.engine.reflectors:
            reflector.heard -= 1000
        await asyncio.sleep(0)
        await stage.until(lambda: alive(parts.engine) is None)


async def test_a_replica_that_waits_for_its_turn_is_alive_whatever_comes_in(stage: Stage) -> None:
    engine = stage.assemble().engine
    stage.create("sharma")
    await engine.take_census()
    assert engine.queue.depth == 1
    engine.queue.last_progress -= 1201
    assert alive(engine) is None
    engine.begin()
    assert alive(engine) is None  # its turn has come just now
    engine.queue.last_progress -= 1201
    assert alive(engine) is not None


async def test_a_queue_that_stands_still_is_no_life(stage: Stage) -> None:
    async def ensure(_: object) -> None:
        await asyncio.Event().wait()

    stage.outside.ensure = ensure  # type: ignore[method-assign,assignment]
    async with stage.operator(deadline_seconds=600.0) as parts:
        stage.create("sharma")
        await stage.until(lambda: parts.engine.queue.working == 1)
        assert alive(parts.engine) is None
        parts.engine.queue.last_progress -= 1201
        assert alive(parts.engine) is not None
