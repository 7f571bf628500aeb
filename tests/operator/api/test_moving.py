"""A tenant moves between its own cell and the pool under load: nothing is lost, nothing doubled."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi.errors import Retryable
from munshi_operator.kinds import DEPLOYMENT, HTTP_ROUTE, SECRET, Ref
from rig.operating import NAMESPACE, Stage, key_of, tenant

NAME = "sharma"
KEY = key_of(NAME)
OWN = CellName(KEY)


class Traffic:
    """Webhooks by the route that stands, and orchestrators that work."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.kept = 0
        self.refused = 0

    @property
    def cell(self) -> CellName:
        """Where the route leads: the tenant's own, more specific one goes before the pool's."""
        own = self._stage.api.get(Ref(HTTP_ROUTE, NAMESPACE, f"{NAME}-webhook"))
        return OWN if own is not None else POOL

    async def run(self) -> None:
        """For ever: a webhook now and then, a turn now and then."""
        while True:
            if self._stage.outside.post(self.cell, KEY):
                self.kept += 1
            else:
                self.refused += 1
            self._stage.outside.turn()
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("to_pool", [True, False])
async def test_a_move_under_load_loses_and_doubles_nothing(stage: Stage, to_pool: bool) -> None:
    first, then = ("Dedicated", "Pooled") if to_pool else ("Pooled", "Dedicated")
    target = POOL if to_pool else OWN
    traffic = Traffic(stage)
    async with stage.operator(drain_seconds=0.05) as parts:
        stage.create(NAME, isolation=first)
        await stage.until(lambda: stage.ready(NAME))
        sending = asyncio.create_task(traffic.run())
        await stage.until(lambda: traffic.kept > 20)
        stage.api.put(tenant(NAME, isolation=then))
        await stage.until(lambda: stage.status(NAME).get("cell") == target and stage.ready(NAME))
        await stage.until(lambda: stage.outside.worked_off[KEY] > 60)
        sending.cancel()
        await stage.until(lambda: not +stage.outside.events or not_stuck(stage))
        await stage.rest(parts)
    while +stage.outside.events:
        stage.outside.turn()
    assert stage.outside.worked_off[KEY] == traffic.kept
    assert traffic.refused == 0
    assert len(stage.api.all(DEPLOYMENT)) == (0 if to_pool else 2)
    assert stage.outside.rights[KEY] == target
    assert [cell for cell, entries in stage.outside.entries.items() if KEY in entries] == [target]


def not_stuck(stage: Stage) -> bool:
    stage.outside.turn()
    return not +stage.outside.events


async def test_an_unsettled_send_holds_the_move(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.sending[OWN, KEY] = 1
        stage.api.put(tenant(NAME, isolation="Pooled"))
        await stage.until(lambda: stage.condition(NAME, "Progressing").get("reason") == "MoveDraining")
        for _ in range(5):
            parts.engine.queue.add(KEY)
            await asyncio.sleep(0.01)
        assert stage.outside.rights[KEY] == OWN
        stage.outside.sending.clear()
        await stage.until(lambda: stage.status(NAME).get("cell") == POOL and stage.ready(NAME))


async def test_a_move_that_is_turned_back_at_once_leaves_no_entry_behind(stage: Stage) -> None:
    stage.api.pods_come_up = lambda _: False
    async with stage.operator() as parts:
        stage.create(NAME, isolation="Pooled")
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, isolation="Dedicated"))
        await stage.until(lambda: stage.condition(NAME, "Progressing").get("reason") == "MovePreparing")
        stage.api.put(tenant(NAME, isolation="Pooled"))
        await stage.until(lambda: stage.ready(NAME) and not stage.api.all(DEPLOYMENT))
        await stage.rest(parts)
    assert not stage.outside.entries[OWN]
    assert KEY in stage.outside.entries[POOL]


async def test_a_move_that_is_turned_back_late_ends_before_it_turns(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.sending[OWN, KEY] = 1
        stage.api.put(tenant(NAME, isolation="Pooled"))
        await stage.until(lambda: stage.condition(NAME, "Progressing").get("reason") == "MoveDraining")
        assert stage.outside.post(POOL, KEY)
        stage.api.put(tenant(NAME, isolation="Dedicated"))
        stage.outside.sending.clear()

        def back() -> bool:
            stage.outside.turn()
            return (
                stage.ready(NAME)
                and stage.status(NAME).get("cell") == KEY
                and stage.outside.worked_off[KEY] == 1
            )

        await stage.until(back)
        await stage.rest(parts)
    assert stage.outside.rights[KEY] == OWN
    assert not stage.outside.entries[POOL]


async def test_a_sleeping_tenant_moves_with_what_waits_for_it(stage: Stage) -> None:
    async with stage.operator(wake_on_webhook=False) as parts:
        stage.create(NAME, hibernated=True)
        await stage.until(lambda: stage.ready(NAME))
        assert stage.outside.post(OWN, KEY)
        stage.api.put(tenant(NAME, hibernated=True, isolation="Pooled"))
        await stage.until(lambda: stage.status(NAME).get("cell") == POOL and stage.ready(NAME))
        await stage.rest(parts)
        assert stage.outside.events[POOL, KEY] == 1
        assert stage.outside.entries[POOL][KEY].hibernated


async def test_an_old_cell_that_does_not_finish_is_left_at_last(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.events[OWN, KEY] = 3
        stage.api.put(tenant(NAME, isolation="Pooled"))
        await stage.until(lambda: stage.condition(NAME, "Progressing").get("reason") == "MoveDraining")
        parts.world.now = lambda: datetime.now(UTC) + timedelta(seconds=601)
        await stage.until(lambda: stage.status(NAME).get("cell") == POOL and stage.ready(NAME))
        assert stage.outside.events[POOL, KEY] == 3


async def test_an_event_that_the_pool_kept_late_is_not_left_until_the_resync(stage: Stage) -> None:
    async with stage.operator() as parts:
        assert parts.engine.settings.resync_seconds == 600
        parts.engine.reconciler.serving.looks_after_move = (2.0, 5.0)
        stage.create(NAME, isolation="Pooled")
        await stage.until(lambda: stage.ready(NAME))
        stage.api.put(tenant(NAME, isolation="Dedicated"))
        await stage.until(lambda: stage.status(NAME).get("phase") == "Ready" and stage.ready(NAME))
        for _ in range(2):
            stage.outside.events[POOL, KEY] = 1
            await stage.until(lambda: stage.outside.events[OWN, KEY] == 1)
            stage.outside.turn()
        await stage.rest(parts)
        calls = len(stage.outside.calls)
        parts.engine.queue.add(KEY)
        await stage.rest(parts)
        assert len(stage.outside.calls) == calls
    assert stage.outside.worked_off[KEY] == 2


@pytest.mark.parametrize("trouble", ["outside", "secret"])
async def test_trouble_on_the_way_does_not_forget_how_far_a_move_is(stage: Stage, trouble: str) -> None:
    """An event lies in the new cell already when the spec goes back: it must not be left there."""
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.sending[OWN, KEY] = 1
        stage.api.put(tenant(NAME, isolation="Pooled"))
        await stage.until(lambda: stage.condition(NAME, "Progressing").get("reason") == "MoveDraining")
        assert stage.outside.post(POOL, KEY)
        if trouble == "outside":
            stage.outside.refuse = lambda _c, _k: Retryable("NATS does not answer")
        else:
            stage.api.remove(Ref(SECRET, NAMESPACE, f"{NAME}-whatsapp"))
        parts.engine.queue.add(KEY)
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("status") == "True")
        assert stage.condition(NAME, "Progressing")["reason"] == "MoveDraining"
        stage.api.put(tenant(NAME, isolation="Dedicated"))
        stage.outside.refuse = lambda _c, _k: None
        stage.rotate(NAME, "token")
        stage.outside.sending.clear()

        def back() -> bool:
            stage.outside.turn()
            status = stage.status(NAME)
            there = (status.get("phase"), status.get("cell")) == ("Ready", KEY)
            return there and stage.ready(NAME) and stage.outside.worked_off[KEY] == 1

        await stage.until(back)
    assert not stage.outside.entries[POOL]
