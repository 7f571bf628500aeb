"""The end of a tenant: both policies, what cannot be taken away, and how long that may last."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from munshi.contracts.ids import CellName
from munshi.errors import Permanent, Retryable
from munshi_operator.kinds import CHILDREN, EVENT, SECRET, Ref
from munshi_operator.observed import FINALIZER
from rig.operating import NAMESPACE, Stage, key_of, ref, tenant

NAME = "sharma"
KEY = key_of(NAME)


@pytest.mark.parametrize("isolation", ["Dedicated", "Pooled"])
@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_deletion_takes_what_the_policy_says_and_nothing_else(
    stage: Stage, policy: str, isolation: str
) -> None:
    async with stage.operator() as parts:
        stage.create(NAME, deletionPolicy=policy, isolation=isolation)
        stage.create("gupta", isolation=isolation)
        await stage.until(lambda: stage.ready(NAME) and stage.ready("gupta"))
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
        await stage.rest(parts)
        assert stage.ready("gupta")
    left = [one for kind in CHILDREN for one in stage.api.all(kind) if NAME in one["metadata"]["name"]]
    assert [one["metadata"]["name"] for one in left] == [f"{NAME}-whatsapp"]
    assert all(KEY not in entries for entries in stage.outside.entries.values())
    assert (KEY in stage.outside.rows) == (policy == "Retain")
    assert key_of("gupta") in stage.outside.rows
    assert len(parts.world.observed) == 1


async def test_a_tenant_comes_back_to_what_was_retained(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
        stage.api.put(tenant(NAME))
        await stage.until(lambda: stage.ready(NAME))


@pytest.mark.parametrize("isolation", ["Dedicated", "Pooled"])
@pytest.mark.parametrize("policy", ["Retain", "Delete", "Shred"])
async def test_a_tenant_that_cannot_be_read_ends_by_its_policy_at_once(
    stage: Stage, policy: str, isolation: str
) -> None:
    async with stage.operator() as parts:
        stage.create(NAME, isolation=isolation)
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, isolation=isolation, deletionPolicy=policy, timeZone="Mars/Olympus"))
        await stage.until(lambda: stage.condition(NAME, "Ready").get("reason") == "SpecInvalid")
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
        await stage.rest(parts)
    # A policy that nobody knows deletes nothing.
    assert (KEY in stage.outside.rows) == (policy != "Delete")
    assert all(KEY not in entries for entries in stage.outside.entries.values())
    left = [one for kind in CHILDREN for one in stage.api.all(kind) if NAME in one["metadata"]["name"]]
    assert [one["metadata"]["name"] for one in left] == [f"{NAME}-whatsapp"]
    assert not parts.world.left_behind


async def test_a_deletion_needs_no_secret_and_goes_before_a_pause(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME, deletionPolicy="Delete")
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, deletionPolicy="Delete", paused=True))
        await stage.until(lambda: stage.condition(NAME, "Paused").get("status") == "True")
        stage.api.remove(Ref(SECRET, NAMESPACE, f"{NAME}-whatsapp"))
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
    assert KEY not in stage.outside.rows


async def test_an_outside_that_is_away_holds_the_tenant_until_it_is_back(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME, deletionPolicy="Delete")
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.refuse = lambda _c, _k: Retryable("NATS does not answer")
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.status(NAME).get("phase") == "Deleting")
        await stage.until(lambda: "NATS" in stage.condition(NAME, "Progressing").get("message", ""))
        stage.outside.refuse = lambda _c, _k: None
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
    assert KEY not in stage.outside.rows


async def test_past_its_deadline_the_finalizer_goes_and_tells_what_was_left(stage: Stage) -> None:
    stage.outside.refuse = lambda call, _k: Permanent("no rights on the bucket") if call == "erase" else None
    async with stage.operator() as parts:
        stage.create(NAME, deletionPolicy="Delete")
        await stage.until(lambda: stage.ready(NAME))
        stage.api.remove(ref(NAME))
        await stage.until(lambda: stage.status(NAME).get("phase") == "Deleting")
        parts.world.now = lambda: datetime.now(UTC) + timedelta(seconds=901)
        await stage.until(lambda: stage.api.get(ref(NAME)) is None)
        assert parts.world.left_behind["Delete"] == 1
    told = [one for one in stage.api.all(EVENT) if one["reason"] == "LeftBehind"]
    assert len(told) == 1
    assert "no rights on the bucket" in told[0]["message"]


async def test_a_finalizer_of_somebody_else_is_theirs(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.api.edit(ref(NAME), lambda one: one["metadata"]["finalizers"].append("backup.example/keep"))
        await stage.rest(parts)
        stage.api.remove(ref(NAME))
        await stage.until(lambda: finalizers(stage) == ["backup.example/keep"])
        await stage.rest(parts)
        assert stage.outside.entries[CellName(KEY)] == {}
        before = len(stage.api.writes)
        await asyncio.sleep(0.05)
        assert len(stage.api.writes) == before


def finalizers(stage: Stage) -> list[str]:
    found = stage.api.get(ref(NAME))
    return list(found["metadata"].get("finalizers") or []) if found else [FINALIZER]
