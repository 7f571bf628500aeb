"""The operator is killed after each of its requests to NATS and PostgreSQL, a run for each; another ends it.

A request is all that is sent in one go, so a run ends before and after every single write.
"""

import contextlib
import itertools
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from nats.js.errors import KeyNotFoundError

from munshi.contracts.ids import CellName
from munshi.contracts.subjects import inbound, registry_bucket
from munshi.contracts.tenant import POOL
from munshi_operator.types import Served
from rig.outside import Rig, moved
from rig.outside_steps import Step, create, erase, killed_after, move, pooled, renamed, update


async def is_served(rig: Rig, want: Served) -> None:
    """All opens what it shall, and there is nothing to repair."""
    seen = moved(want, applied="x", observedGeneration=want.object.generation, cell=want.cell, phase="Ready")
    report = await rig.outside.ensure(seen)
    assert report.repaired == ()
    assert report.database.ok
    assert report.streams.ok
    access = await rig.outside.access(want.cell)
    await (await asyncpg.connect(access.database_url)).close()
    for creds in (access.ingress_creds, access.orchestrator_creds):
        async with rig.nats(creds, f"_INBOX_{want.cell}"):
            pass
    assert await cells_with_entry(rig, want) == {want.cell}
    assert await cell_of_rows(rig, want) == want.cell


async def is_served_anew(rig: Rig, want: Served) -> None:
    await is_served(rig, renamed(want))


async def is_moved(rig: Rig, want: Served) -> None:
    await is_served(rig, pooled(want))
    key = want.object.key
    assert (await rig.outside.observe_backlog(POOL, key)).events == 1
    assert await rig.outside.accounts.look_up(rig.outside.planner.cell(want.cell).account) is None


async def is_gone(rig: Rig, want: Served) -> None:
    assert await cells_with_entry(rig, want) == set()
    assert await cell_of_rows(rig, want) is None
    assert await rig.outside.accounts.look_up(rig.outside.planner.cell(want.cell).account) is None
    role = rig.outside.database.role(want.cell)
    assert not await rig.db.fetchval("select count(*) from pg_roles where rolname = $1", role)


async def cells_with_entry(rig: Rig, want: Served) -> set[CellName]:
    found = set()
    for cell in (POOL, CellName(want.object.key)):
        if await rig.outside.accounts.look_up(rig.outside.planner.cell(cell).account) is None:
            continue
        async with rig.outside.bus.open(cell) as js:
            bucket = await js.key_value(registry_bucket(cell))
            with contextlib.suppress(KeyNotFoundError):
                await bucket.get(want.object.key)
                found.add(cell)
    return found


async def cell_of_rows(rig: Rig, want: Served) -> str | None:
    found: str | None = await rig.db.fetchval("select cell from tenants where tenant = $1", want.object.key)
    return found


CASES: dict[str, tuple[Step, Callable[[Rig, Served], Awaitable[None]]]] = {
    "create": (create, is_served),
    "update": (update, is_served_anew),
    "move": (move, is_moved),
    "erase": (erase, is_gone),
}


@pytest.mark.timeout(900)  # some 30 processes
@pytest.mark.parametrize("case", CASES)
async def test_killed_after_every_request(rig: Rig, case: str) -> None:
    step, holds = CASES[case]
    for requests in itertools.count(1):
        want = rig.want(f"{case}{requests}", number=str(10_000_000 + requests))
        if step is not create:
            await rig.outside.ensure(want)
            async with rig.admin_of(want.cell) as client:
                subject = inbound(want.cell, want.object.key, 0, "c")  # type: ignore[arg-type]  # any token
                await client.jetstream().publish(subject, b"{}")
        killed = await killed_after(rig, requests, step, want)
        if killed:
            await step(rig.outside, want)
        await holds(rig, want)
        await rig.outside.erase(want)
        if not killed:
            break
    assert requests > 10
