"""Steps of the operator on the outside, each in a process of its own that a test kills on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from munshi.contracts.tenant import POOL, Isolation
from munshi_operator.outside import OutsideSettings, Provisioned, open_outside
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import Served
from rig.cut_wire import wire
from rig.forks import FORKS
from rig.outside import SMALL, Rig, moved


def renamed(want: Served) -> Served:
    """The same tenant with another name and another token."""
    tenant = want.object.tenant
    spec = tenant.spec.model_copy(update={"display_name": "New"})
    changed = replace(want.object, tenant=tenant.model_copy(update={"spec": spec}))
    return replace(want, object=changed, credentials={**want.credentials, "access-token": "a new one"})


def pooled(want: Served) -> Served:
    """The same tenant as the pool shall serve it."""
    tenant = want.object.tenant
    spec = tenant.spec.model_copy(update={"isolation": Isolation.POOLED})
    changed = replace(want.object, tenant=tenant.model_copy(update={"spec": spec}))
    return replace(want, object=changed, cell=POOL)


async def create(outside: Provisioned, want: Served) -> None:
    """A tenant is made."""
    await outside.ensure(want)


async def update(outside: Provisioned, want: Served) -> None:
    """Its name and its token change."""
    await outside.ensure(renamed(want))


async def move(outside: Provisioned, want: Served) -> None:
    """Into the pool, in the order of the engine, from the new cell's entry to the end of the old one."""
    there = pooled(want)
    await outside.ensure(moved(replace(there, hibernated=True), phase="Moving", cell=want.cell))
    await outside.move_rights(want.object.key, want.cell, POOL)
    await outside.ensure(moved(there, phase="Moving", cell=want.cell))
    await outside.ensure(moved(there, phase="Ready", cell=POOL))


async def erase(outside: Provisioned, want: Served) -> None:
    """It is taken away."""
    await outside.erase(want)


Step = Callable[[Provisioned, Served], Awaitable[None]]


async def killed_after(rig: Rig, requests: int, step: Step, want: Served) -> bool:
    """Runs a step in a process that gets kill -9 when its server has done so many requests; whether it came
    to that before the step was done."""
    async with wire(requests) as way:
        nats = rig.servers.nats_program.url
        settings = OperatorSettings(
            master_key_file=rig.folder.parent / "master-key",
            database_url=_through(rig.admin_url, await way.lead_to(_port_of(rig.admin_url))),
            nats_url=_through(nats, await way.lead_to(_port_of(nats))),
            pods_database_url=rig.admin_url,
        )
        process = FORKS.Process(target=_run, args=(step, settings, SMALL, want))
        process.start()
        ended = asyncio.create_task(asyncio.to_thread(process.join))
        cut = asyncio.create_task(way.cut.wait())
        await asyncio.wait({ended, cut}, return_when=asyncio.FIRST_COMPLETED)
        cut.cancel()
        process.kill()
        await ended
        if not way.cut.is_set() and process.exitcode != 0:
            raise AssertionError(f"the step failed by itself: {process.exitcode}")
        return way.cut.is_set()


def _run(step: Step, settings: OperatorSettings, given: OutsideSettings, want: Served) -> None:
    async def work() -> None:
        async with open_outside(settings, given) as outside:
            outside.settle_seconds = 0.05
            await step(outside, want)

    asyncio.run(work())


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _through(url: str, port: int) -> str:
    """The same address by another port."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))
