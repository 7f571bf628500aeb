"""The program is killed after each write to the API server: a new process for each, which writes once.

Nothing but a write is ever heard of: the proxy keeps the answer back, and the process gets kill -9. What each
leaves, the next finds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from munshi_operator.kinds import DEPLOYMENT, TENANT
from rig.api_proxy import ApiProxy, Fuse
from rig.program import Forked, Program

NAME = "sharma"
_MOST_KILLS = 60
_QUIET_SECONDS = 2.0
Done = Callable[[Program], Awaitable[bool]]


async def dedicated(program: Program) -> bool:
    found = await program.get(TENANT, NAME) or {}
    cell = (found.get("status") or {}).get("cell")
    return (
        cell == f"{program.namespace}_{NAME}"
        and await program.ready(NAME)
        and len(await deployed(program)) == 2
    )


async def pooled(program: Program) -> bool:
    found = await program.get(TENANT, NAME) or {}
    cell = (found.get("status") or {}).get("cell")
    return cell == "pool" and await program.ready(NAME) and not await program.children()


async def renamed(program: Program) -> bool:
    found = await program.get(TENANT, NAME) or {}
    seen = (found.get("status") or {}).get("observedGeneration")
    return (
        found["metadata"]["generation"] >= 2
        and seen == found["metadata"]["generation"]
        and await dedicated(program)
    )


async def gone(program: Program) -> bool:
    return await program.get(TENANT, NAME) is None and not await program.children()


async def deployed(program: Program) -> list[str]:
    return [one["metadata"]["name"] for one in (await program.get(DEPLOYMENT) or {"items": []})["items"]]


CASES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, Done, int]] = {
    "create": (None, {}, dedicated, 14),
    "update": ({}, {"displayName": "New", "replicas": 2}, renamed, 2),
    "to the pool": ({}, {"isolation": "Pooled"}, pooled, 14),
    "from the pool": ({"isolation": "Pooled"}, {"isolation": "Dedicated"}, dedicated, 14),
    "delete": ({}, None, gone, 10),
}


async def kill_after_each_write(program: Program, proxy: ApiProxy, done: Done) -> list[str]:
    """The writes, in order; a process that has none left to do ends it."""
    after: list[str] = []
    while len(after) < _MOST_KILLS:
        proxy.fuse = fuse = Fuse()
        process = program.fork(DRAIN_SECONDS=0)
        # One that lost its Lease to a slow API server ends by itself, and is started again by the kubelet.
        await program.until(
            lambda: ended_or_idle(program, process, fuse, done),  # noqa: B023
            f"written or done; so far {after}",
        )
        ended = process.poll() is not None
        process.kill()
        process.wait()
        if fuse.blown.is_set():
            after.append(fuse.last)
        elif not ended:
            return after
    raise AssertionError(f"it does not come to an end: {after}")


async def ended_or_idle(program: Program, process: Forked, fuse: Fuse, done: Done) -> bool:
    """Whether the process has written, has ended, or leads and has nothing to write."""
    if fuse.blown.is_set() or process.poll() is not None:
        return True
    if not (program.leads() and await done(program)):
        return False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(fuse.blown.wait(), _QUIET_SECONDS)
    return fuse.blown.is_set() or await done(program)


@pytest.mark.timeout(900)  # some 15 starts of the program
@pytest.mark.parametrize("case", CASES)
async def test_killed_after_every_write(program: Program, proxy: ApiProxy, case: str) -> None:
    before, then, done, least = CASES[case]
    if before is not None:
        process = program.fork()
        await program.apply_shop(NAME, deletionPolicy="Delete", **before)
        await program.until_ready(NAME)
        process.kill()
        process.wait()
    if then is None:
        await program.client.delete(TENANT.path(program.namespace, NAME))
    else:
        await program.apply_shop(NAME, deletionPolicy="Delete", **then)
    after = await kill_after_each_write(program, proxy, done)
    assert len(after) >= least, after
    own = f"{program.namespace}_{NAME}"
    cell = {"to the pool": "pool", "delete": None}.get(case, own)
    assert await program.served_by(NAME) == ({cell} if cell else set(), cell)
