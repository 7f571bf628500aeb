"""Work on the platform that runs: apply and delete tenants, delete files, deal with dead letters."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

import orjson

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import cell_of
from munshi.db.connection import Pool, open_pool
from munshi.db.dead_letters import DeadLetters, Replay
from munshi.db.erasures import ErasuresByHand
from munshi.embedded.data_folder import DataFolder, clear_messages, provisioning
from munshi.embedded.platform import data_places
from munshi.embedded.schema import admin_url
from munshi.embedded.state import PlatformState, running_state
from munshi.errors import UserMistake
from munshi.provision.cells import Bus
from munshi.provision.documents import Documents
from munshi.provision.erasures import Asked, Deletion, deletion
from munshi.provision.key_ring import load_key_ring
from munshi.provision.loopback import call
from munshi.provision.nats_accounts import Operator, connected
from munshi.provision.provisioner import Provisioner, clear_failures
from munshi.provision.replays import Place, message_of, webhook_of
from munshi.provision.tenant_store import TenantStore
from munshi.provision.tenants import ServedTenant, resolve

_LIVE_SECONDS = 10.0
_ASK_SECONDS = 0.05

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one tenant."""

    title: str
    outcome: str
    """`created`, `configured` or `unchanged`."""


def provisioner_of(data: DataFolder, state: PlatformState) -> Provisioner:
    """A provisioner for the platform that runs."""
    places = data_places(data, state.endpoints.ingress, state.endpoints.emulator)
    ring = load_key_ring(data.keys)
    bus = Bus(state.nats_url, Operator.of(ring) if state.nats_accounts else None)
    return Provisioner(places, bus, admin_url(state.database_url, ring))


async def apply_documents(data: DataFolder, state: PlatformState, given: Documents) -> list[Applied]:
    """Applies tenants and waits until all services serve them just so. All are checked before the first is
    touched.

    Raises:
        UserMistake: something given is wrong, nothing was changed; or a service does not serve it in time.
    """
    with clear_messages(data), clear_failures():
        async with provisioning(data):
            held = TenantStore(data.tenants).load()
            changed = resolve(given, held, datetime.now(UTC))
            provisioner = provisioner_of(data, state)
            for key, served in changed.items():
                await provisioner.apply(served, held.get(key))
    for served in changed.values():
        if not served.tenant.spec.paused:
            await _wait_live(state, served)
    results = [
        Applied(served.title, "configured" if key in held else "created") for key, served in changed.items()
    ]
    same = [held[key].title for key in given.tenants if key not in changed]
    return results + [Applied(title, "unchanged") for title in same]


async def delete_served(data: DataFolder, state: PlatformState, served: ServedTenant) -> None:
    """Ends the service of a tenant, as its deletion policy says."""
    with clear_messages(data), clear_failures():
        async with provisioning(data):
            await provisioner_of(data, state).delete(served)


async def _wait_live(state: PlatformState, served: ServedTenant) -> None:
    """Asks ingress by the handshake that Meta does when a webhook is set up, and each for the generation."""
    deadline = time.monotonic() + _LIVE_SECONDS
    for name, base in _services(state):
        while not await asyncio.to_thread(_serves, name, base, served):
            if time.monotonic() > deadline:
                raise UserMistake(
                    f"{served.title} was applied and is kept, but {name} does not serve it after "
                    f"{_LIVE_SECONDS:.0f} s; see `munshi status` and `munshi logs {name}`; it goes live as "
                    f"soon as {name} is well"
                )
            await asyncio.sleep(_ASK_SECONDS)


def _services(state: PlatformState) -> list[tuple[str, str]]:
    """Those that follow the registry, with their addresses."""
    workers = [
        (process.name, process.metrics.removesuffix("/metrics"))
        for process in state.processes
        if process.name in {"orchestrator", "media"} and process.metrics
    ]
    return [("ingress", state.endpoints.ingress), *workers]


def _serves(name: str, base: str, served: ServedTenant) -> bool:
    status, body = call(f"{base}/served/{served.key}", seconds=1.0)
    if status != 200 or orjson.loads(body)["generation"] != served.generation:
        return False
    return name != "ingress" or _handshake(base, served)


def _handshake(ingress: str, served: ServedTenant) -> bool:
    token = quote(served.secret.values["verify-token"], safe="")
    query = f"hub.mode=subscribe&hub.challenge=munshi&hub.verify_token={token}"
    status, body = call(f"{ingress}/webhooks/whatsapp/{served.key}?{query}")
    return status == 200 and body == b"munshi"


async def with_dead_letters(data: DataFolder, work: Callable[[DeadLetters], Awaitable[_Result]]) -> _Result:
    """Runs `work` on the dead letters of the platform that runs."""
    async with _as_admin(data, "munshi-dead-letters") as pool:
        return await work(DeadLetters(pool))


async def with_deletion(
    data: DataFolder, served: ServedTenant, asked: Asked, work: Callable[[Deletion], Awaitable[_Result]]
) -> _Result:
    """Runs `work` on the deletion of a tenant's files, once it is clear whose are meant.

    Raises:
        UserMistake: nobody is known by that number or id.
    """
    lookup_key = bytes.fromhex(load_key_ring(data.keys).tenant(served.key).lookup_key)
    async with _as_admin(data, "munshi-delete-files") as pool:
        return await work(await deletion(ErasuresByHand(pool), served.key, lookup_key, asked))


@asynccontextmanager
async def _as_admin(data: DataFolder, name: str) -> AsyncIterator[Pool]:
    state = running_state(data)
    url = admin_url(state.database_url, load_key_ring(data.keys))
    with clear_failures():
        pool = await open_pool(url, name=name, size=1)
        try:
            yield pool
        finally:
            await pool.close()


async def replay(data: DataFolder, letter: int) -> str:
    """Takes a dead letter up again. Gives back what was done.

    Raises:
        UserMistake: there is no such open letter, or it cannot be replayed; it then stays open.
    """
    state = running_state(data)
    shown = await with_dead_letters(data, lambda store: store.show(letter))
    if shown is None or shown.replayed_at or shown.dropped_at:
        raise UserMistake(f"there is no open dead letter {letter}; `munshi dead-letters list` shows them")
    served = TenantStore(data.tenants).load().get(shown.tenant)
    if served is None:
        raise UserMistake(
            f"the tenant of dead letter {letter}, {shown.tenant}, is not served; apply it first"
        )
    if shown.source == "ingress":
        # The way in comes first here: what ingress refuses again stays an open letter.
        await asyncio.to_thread(_post_again, state, served, shown.payload, letter)
    taken = await with_dead_letters(data, lambda store: store.replay(letter))
    if taken is None:
        raise UserMistake(f"dead letter {letter} was closed by somebody else meanwhile")
    if taken.source == "turn":
        await _publish_again(data, state, served, taken)
        return "published again"
    return "posted to ingress again" if taken.source == "ingress" else "queued for sending again"


def _post_again(state: PlatformState, served: ServedTenant, payload: dict[str, str], letter: int) -> None:
    body, headers = webhook_of(payload, served.secret.values["app-secret"])
    status, _ = call(f"{state.endpoints.ingress}/webhooks/whatsapp/{served.key}", "POST", body, headers)
    if status != 200:
        raise UserMistake(f"ingress answers {status or 'nothing'} to dead letter {letter}; it stays open")


async def _publish_again(data: DataFolder, state: PlatformState, served: ServedTenant, taken: Replay) -> None:
    ring = load_key_ring(data.keys)
    cell = cell_of(TenantKey(served.key), served.tenant.spec)
    partitions = int(orjson.loads((data.cells / cell / "cell.json").read_bytes())["partitions"])
    place = Place(cell, partitions, bytes.fromhex(ring.tenant(served.key).lookup_key))
    again = message_of(served.key, taken, place, time.time_ns())
    bus = provisioner_of(data, state).bus
    creds = bus.admin_creds(cell, ring.cell(cell))
    with clear_failures():
        async with connected(bus.url, creds, "replay") as connection:
            await connection.jetstream().publish(again.subject, again.body, headers=again.headers)
