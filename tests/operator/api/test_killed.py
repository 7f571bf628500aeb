"""The operator is killed after each of its writes, one run for each, and a fresh one finishes the work."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi_operator.kinds import CHILDREN, DEPLOYMENT
from rig.kube import Killed
from rig.operating import Stage, key_of, ref, tenant

NAME = "sharma"
KEY = key_of(NAME)


class Fuse:
    """Kills the operator right after its nth write, inside or outside of the cluster."""

    def __init__(self, stage: Stage, after: int) -> None:
        self.left = after
        self.blown = asyncio.Event()
        self._stage = stage
        stage.api.after_write = self.count
        stage.outside.after_call = self.count

    def count(self) -> None:
        """One write was done."""
        self.left -= 1
        if self.left <= 0:
            self.blown.set()
            raise Killed

    def remove(self) -> None:
        """The next operator lives."""
        self._stage.api.after_write = self._stage.outside.after_call = lambda: None


async def operate_until_killed(stage: Stage, fuse: Fuse, done: Callable[[], bool]) -> bool:
    """Whether the fuse blew before all was done."""
    try:
        async with stage.operator() as parts:

            def over() -> bool:
                return fuse.blown.is_set() or (done() and not parts.engine.queue.working)

            await stage.until(over, "done or killed")
    except BaseExceptionGroup as group:
        if group.split(Killed)[0] is None:
            raise
    return fuse.blown.is_set()


async def finish(stage: Stage, done: Callable[[], bool]) -> None:
    """A fresh operator comes to rest with the work done."""
    async with stage.operator() as parts:
        await stage.until(done, "a fresh operator finishes")
        await stage.rest(parts)
        assert done()


def made(stage: Stage) -> bool:
    return stage.ready(NAME) and len(stage.api.all(DEPLOYMENT)) == 2


def changed(stage: Stage) -> bool:
    entry = stage.outside.entries.get(CellName(KEY), {}).get(KEY)
    return stage.ready(NAME) and entry is not None and entry.object.tenant.spec.display_name == "New"


def gone(stage: Stage) -> bool:
    left = [
        one
        for kind in CHILDREN
        for one in stage.api.all(kind)
        if one["metadata"]["name"] != f"{NAME}-whatsapp"
    ]
    return stage.api.get(ref(NAME)) is None and not left and KEY not in stage.outside.rows


def pooled(stage: Stage) -> bool:
    return (
        stage.ready(NAME)
        and stage.status(NAME).get("cell") == POOL
        and not stage.api.all(DEPLOYMENT)
        and set(stage.outside.entries[POOL]) == {KEY}
        and not stage.outside.entries.get(CellName(KEY))
        and stage.outside.rights[KEY] == POOL
    )


def dedicated(stage: Stage) -> bool:
    return (
        made(stage)
        and stage.status(NAME).get("cell") == KEY
        and not stage.outside.entries.get(POOL)
        and stage.outside.rights[KEY] == CellName(KEY)
    )


Case = tuple[dict[str, Any] | None, dict[str, Any] | None, Callable[[Stage], bool], Callable[[Stage], bool]]
CASES: dict[str, Case] = {
    "create": (None, {}, made, made),
    "update": ({}, {"displayName": "New"}, made, changed),
    "delete": ({"deletionPolicy": "Delete"}, None, made, gone),
    "to the pool": ({}, {"isolation": "Pooled"}, made, pooled),
    "from the pool": (
        {"isolation": "Pooled"},
        {"isolation": "Dedicated"},
        lambda s: s.ready(NAME),
        dedicated,
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_killed_after_every_write(case: str) -> None:
    first, then, before, after = CASES[case]
    killed = 0
    while True:
        stage = Stage()
        if first is not None:
            stage.create(NAME, **first)
            await finish(stage, lambda s=stage: before(s))  # type: ignore[misc]
        fuse = Fuse(stage, killed + 1)
        if then is None:
            stage.api.remove(ref(NAME))
        elif first is None:
            stage.create(NAME, **then)
        else:
            stage.api.put(tenant(NAME, **{**first, **then}))
        blew = await operate_until_killed(stage, fuse, lambda s=stage: after(s))  # type: ignore[misc]
        fuse.remove()
        await finish(stage, lambda s=stage: after(s))  # type: ignore[misc]
        if not blew:
            break
        killed += 1
    assert killed >= {"create": 9, "update": 2, "delete": 8, "to the pool": 12, "from the pool": 12}[case]
