"""Follows the registry: the cells' key-value buckets of tenants, live, into a `TenantDirectory`.

What is known stays known while NATS is away. A bad entry is logged by its key and skipped.
"""

import asyncio
import contextlib

import nats.errors
import structlog
from nats.js import JetStreamContext
from nats.js.kv import KeyValue
from pydantic import ValidationError

from munshi.bus.connection import Connection
from munshi.cells import Cell
from munshi.contracts.ids import TenantKey
from munshi.contracts.subjects import registry_bucket
from munshi.errors import Permanent
from munshi.tasks import end, firm
from munshi.tenants import Tenant, TenantDirectory, open_entry

__all__ = ["Tenant", "TenantDirectory", "follow_registry", "open_entry"]

_log = structlog.get_logger()

_CHECK_SECONDS = 0.5
"""How often the bucket's last sequence is compared with what was seen: a watch that went silent (its consumer
died with a server) is found by that, within the two seconds that a change may take."""

_ENTRIES_IN_A_ROW = 10


async def follow_registry(connection: Connection, directory: TenantDirectory) -> None:
    """Keeps `directory` as the cell's bucket says, for ever; to be run as a task and cancelled.

    Lives through restarts of NATS and waits for a bucket that is not there yet. When a watch breaks, the
    bucket is read anew by a fresh one, and what is no longer in it is forgotten only then.
    """
    cell = connection.cell
    js = connection.client.jetstream()
    restart = asyncio.Event()
    connection.on_return(restart.set)
    seen: dict[TenantKey, int] = {}
    while True:
        restart.clear()
        try:
            await _watch(js, cell, directory, restart, seen)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            _log.warning("registry_unreachable", cell=cell.name, reason=type(error).__name__)
            await asyncio.sleep(_CHECK_SECONDS)


async def _watch(
    js: JetStreamContext,
    cell: Cell,
    directory: TenantDirectory,
    restart: asyncio.Event,
    seen: dict[TenantKey, int],
) -> None:
    bucket = await firm(js.key_value(registry_bucket(cell.name)))
    # The last sequence may belong to a value that was purged since: no watch will ever show it.
    last = (await firm(bucket.status())).stream_info.state.last_seq
    watcher = await firm(bucket.watchall())
    reader = _Reader(cell, directory, seen, last)
    reading = asyncio.create_task(reader.read(watcher))
    try:
        await _until_silent(bucket, reader, restart, reading)
    finally:
        await end(reading)
        with contextlib.suppress(nats.errors.Error, OSError):
            await watcher.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped


async def _until_silent(
    bucket: KeyValue, reader: "_Reader", restart: asyncio.Event, reading: "asyncio.Task[None]"
) -> None:
    """Returns when the watch must be made anew: reconnected, ended, or behind the bucket for two checks."""
    behind_at = -1
    while not restart.is_set() and not reading.done():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(restart.wait(), _CHECK_SECONDS)
        last = (await firm(bucket.status())).stream_info.state.last_seq
        if last <= reader.position:
            behind_at = -1
        elif behind_at == reader.position:
            return
        else:
            behind_at = reader.position
    if reading.done():
        reading.result()


class _Reader:
    """Takes a watch's updates into the directory. `position` is the highest sequence of the bucket seen."""

    def __init__(
        self, cell: Cell, directory: TenantDirectory, seen: dict[TenantKey, int], snapshot_end: int
    ) -> None:
        self._cell = cell
        self._directory = directory
        self._seen = seen
        self._in_snapshot: set[TenantKey] | None = set()
        self._snapshot_end = snapshot_end
        self.position = 0

    async def read(self, watcher: KeyValue.KeyWatcher) -> None:
        taken = 0
        async for update in watcher:
            if update is None:
                self._end_snapshot()
                continue
            self._take(update)
            taken += 1
            if taken % _ENTRIES_IN_A_ROW == 0:
                # A full bucket is read beside the service's work, not instead of it.
                await asyncio.sleep(0)

    def _take(self, update: KeyValue.Entry) -> None:
        key, revision = TenantKey(update.key), update.revision or 0
        self.position = max(self.position, revision)
        if update.operation is not None:
            self._seen.pop(key, None)
            self._directory.remove(key, self._cell.name)
            return
        if self._in_snapshot is not None:
            self._in_snapshot.add(key)
        if self._seen.get(key) == revision:
            return
        self._seen[key] = revision
        try:
            tenant = open_entry(self._cell, update.value or b"", revision)
        except (ValidationError, Permanent, ValueError) as error:
            # What was known of the tenant stays: a broken change must not take a shop off the air.
            _log.error("registry_entry_unusable", tenant=key, reason=type(error).__name__)
            return
        if tenant.key != key:
            _log.error("registry_entry_unusable", tenant=key, reason="other_key")
            return
        self._directory.put(tenant)

    def _end_snapshot(self) -> None:
        if self._in_snapshot is None:
            return
        for tenant in self._directory.of_cell(self._cell.name):
            if tenant.key not in self._in_snapshot:
                self._seen.pop(tenant.key, None)
                self._directory.remove(tenant.key, self._cell.name)
        self._in_snapshot = None
        self.position = max(self.position, self._snapshot_end)
        self._directory.mark_known(self._cell.name)
