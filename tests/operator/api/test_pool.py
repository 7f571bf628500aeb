"""The pool's Secrets: written when a replica begins to lead, and set right at every resync."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from munshi.contracts.tenant import POOL
from munshi.errors import MunshiError, Retryable
from munshi_operator.builders.access import cell_files
from munshi_operator.kinds import SECRET, TENANT, Ref
from munshi_operator.leader import Leader
from munshi_operator.main import Replica
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import Manifest
from rig.kube import MemoryCluster
from rig.operating import Stage

SPACE = OperatorSettings().namespace
INGRESS = Ref(SECRET, SPACE, "munshi-pool-ingress")
ORCHESTRATOR = Ref(SECRET, SPACE, "munshi-pool-orchestrator")
MEDIA = Ref(SECRET, SPACE, "munshi-pool-media")


@asynccontextmanager
async def replica(stage: Stage, resync_seconds: float) -> AsyncIterator[Replica]:
    """The tasks of one replica that leads."""
    settings = OperatorSettings(**{**stage.settings, "resync_seconds": resync_seconds})
    leader = Leader(MemoryCluster(stage.api), SPACE, "one", 30.0)
    stage.leading = lambda: leader.leads
    parts = stage.assemble(resync_seconds=resync_seconds)
    made = Replica(parts, leader, stage.outside, settings)
    await made.start()
    try:
        yield made
        assert not made.failed
    finally:
        await made.stop()


def names(stage: Stage, ref: Ref) -> set[str]:
    found = stage.api.get(ref)
    return set(found["data"]) if found else set()


async def test_they_hold_the_folders_of_a_cell(stage: Stage) -> None:
    async with replica(stage, 600.0) as one:
        await stage.until(lambda: one.working)
    access = await stage.outside.access(POOL)
    assert names(stage, INGRESS) == set(cell_files(access, "ingress"))
    assert names(stage, ORCHESTRATOR) == set(cell_files(access, "orchestrator"))
    assert "database-url" not in names(stage, INGRESS)


async def test_the_media_service_has_one_where_an_object_store_is_set_up(stage: Stage) -> None:
    async with replica(stage, 600.0) as one:
        await stage.until(lambda: one.working)
    assert stage.api.get(MEDIA) is None
    stage.outside.object_store = '{"url": "s3://media", "prefix": "cells/pool/"}'
    async with replica(stage, 600.0) as one:
        await stage.until(lambda: one.working)
    assert names(stage, MEDIA) == {"cell.json", "nats-url", "nats.creds", "sealing-key", "object-store.json"}
    assert "object-store.json" not in names(stage, ORCHESTRATOR) | names(stage, INGRESS)


async def test_one_that_went_or_was_edited_is_set_right_at_the_resync(stage: Stage) -> None:
    def worse(one: Manifest) -> None:
        one["data"]["nats-url"] = "ZXZpbA=="

    async with replica(stage, 0.05) as one:
        await stage.until(lambda: one.working)
        before = stage.api.get(ORCHESTRATOR)
        assert before is not None
        stage.api.remove(INGRESS)
        stage.api.edit(ORCHESTRATOR, worse)
        await stage.until(lambda: stage.api.get(INGRESS) is not None)
        await stage.until(lambda: (stage.api.get(ORCHESTRATOR) or {})["data"] == before["data"])
        writes = len(stage.api.writes)
        asked = len(stage.outside.calls)
        await stage.until(lambda: len(stage.outside.calls) >= asked + 3)
        assert stage.api.writes[writes:] == []


async def test_a_resync_that_fails_ends_nothing(stage: Stage) -> None:
    def away(call: str, _key: str) -> MunshiError | None:
        return Retryable("the database does not answer") if call == "ensure_platform" else None

    async with replica(stage, 0.02) as one:
        await stage.until(lambda: one.working)
        stage.outside.refuse = away
        stage.api.remove(INGRESS)
        stage.create("sharma", isolation="Pooled")
        for raw in stage.api.all(TENANT):
            one.parts.engine.tenant_changed("ADDED", raw)
        await stage.until(lambda: stage.ready("sharma"))
        stage.outside.refuse = lambda _call, _key: None
        await stage.until(lambda: stage.api.get(INGRESS) is not None)
