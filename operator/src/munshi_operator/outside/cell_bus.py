"""A cell's streams and registry, as its account's administrator.

A thousand cells need no thousand connections: the pool's stays open, the others' last for one errand, so
many at once and no more.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from munshi.bus.streams import dead_config, event_config, registry_config
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import dead, dead_stream, event_stream, registry_bucket
from munshi.contracts.tenant import POOL
from munshi.errors import Permanent
from munshi.provision.cell_rights import cell_creds
from munshi.provision.derived_keys import MasterKey
from munshi_operator.outside.accounts import connect
from munshi_operator.outside.plan import CellPlan

_FIXED = ("retention", "storage")
"""Of a stream: what no update changes."""

_STREAM_SECONDS = 15.0
"""For one request about streams, as long as the database is given: a busy server writes before it answers."""


@dataclass
class CellBus:
    """Connections to the cells' accounts."""

    url: str
    master: MasterKey = field(repr=False)
    at_once: int
    _pool: Client | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Sets how many may be open."""
        self._places = asyncio.Semaphore(self.at_once)

    @contextlib.asynccontextmanager
    async def open(self, cell: CellName) -> AsyncIterator[JetStreamContext]:
        """The cell's JetStream for one errand.

        Raises:
            nats.errors.Error, OSError, TimeoutError: no server, or not let in.
        """
        if cell == POOL:
            yield (await self._lasting()).jetstream(timeout=_STREAM_SECONDS)
            return
        async with self._places:
            client = await connect(self.url, cell_creds(self.master, cell).admin, lasting=False)
            try:
                yield client.jetstream(timeout=_STREAM_SECONDS)
            finally:
                await _close(client)

    async def close(self) -> None:
        """Closes what stays open."""
        client, self._pool = self._pool, None
        if client is not None:
            await _close(client)

    async def _lasting(self) -> Client:
        async with self._opening:
            if self._pool is None or self._pool.is_closed:
                self._pool = await connect(self.url, cell_creds(self.master, POOL).admin, lasting=True)
            return self._pool


async def _close(client: Client) -> None:
    with contextlib.suppress(nats.errors.Error, OSError, TimeoutError, AssertionError):
        await client.close()


async def ensure_streams(js: JetStreamContext, plan: CellPlan) -> list[str]:
    """Makes the cell's three streams so; the names of those that were not.

    Raises:
        Permanent: one is there with another retention or storage, and something is in it.
        nats.js.errors.APIError: the server refuses.
    """
    configs = (
        event_config(plan.cell, plan.sizing),
        dead_config(plan.cell, plan.sizing),
        registry_config(plan.cell, plan.sizing),
    )
    return [str(config.name) for config in configs if await _ensure_stream(js, config)]


async def _ensure_stream(js: JetStreamContext, config: StreamConfig) -> bool:
    name = str(config.name)
    try:
        found = await js.stream_info(name)
    except NotFoundError:
        await js.add_stream(config)
        return True
    differs = _differences(config, found.config)
    if not differs:
        return False
    if differs & set(_FIXED):
        if found.state.messages:
            raise Permanent(
                f"the stream {name} was made by somebody else, with another {' and '.join(sorted(differs))}, "
                f"and holds {found.state.messages} messages; empty it or delete it, it is then made anew",
                "StreamForeign",
            )
        await js.delete_stream(name)
        await js.add_stream(config)
    else:
        await js.update_stream(config)
    return True


def _differences(wanted: StreamConfig, found: StreamConfig) -> set[str]:
    names = [one.name for one in dataclasses.fields(wanted)]
    return {
        name
        for name in names
        if getattr(wanted, name) is not None and getattr(wanted, name) != getattr(found, name)
    }


def events_of(cell: CellName, key: TenantKey) -> str:
    """Filter that takes all events of one tenant."""
    return f"munshi.{cell}.in.{key}.>"


async def waiting_events(js: JetStreamContext, cell: CellName, key: TenantKey) -> int:
    """Events of a tenant in the cell's stream whose turn has not committed; 0 where there is no stream.

    One request: the server counts by subject. Asked for a pool of 10,000 it answers with one tenant's
    subjects only.
    """
    try:
        info = await js.stream_info(event_stream(cell), subjects_filter=events_of(cell, key))
    except NotFoundError:
        return 0
    return sum((info.state.subjects or {}).values())


async def drop_tenant(js: JetStreamContext, cell: CellName, key: TenantKey) -> None:
    """Takes what waits of one tenant out of a cell that others share."""
    for stream, subject in ((event_stream(cell), events_of(cell, key)), (dead_stream(cell), dead(cell, key))):
        with contextlib.suppress(NotFoundError):
            await js.purge_stream(stream, subject=subject)


async def has_registry(js: JetStreamContext, cell: CellName) -> bool:
    """Whether the cell's bucket is there."""
    try:
        await js.stream_info(f"KV_{registry_bucket(cell)}")
    except NotFoundError:
        return False
    return True
