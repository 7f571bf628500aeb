"""The registry: which tenants there are, live, as the cells' key-value buckets say.

What is known stays known while NATS is away. A bad entry is logged by its key and skipped.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import nats.errors
import structlog
from nats.js import JetStreamContext
from nats.js.kv import KeyValue
from pydantic import ValidationError

from munshi.bus.connection import Connection
from munshi.cells import Cell
from munshi.contracts.ids import CellName, PhoneNumberID, TenantKey
from munshi.contracts.subjects import registry_bucket
from munshi.contracts.tenant import Credentials, TenantEntry, WhatsAppTenantSpec, tenant_key
from munshi.errors import Permanent
from munshi.sealing import unseal_credentials

_log = structlog.get_logger()

_CHECK_SECONDS = 0.5
"""How often the bucket's last sequence is compared with what was seen: a watch that went silent (its consumer
died with a server) is found by that, within the two seconds that a change may take."""

_ENTRIES_IN_A_ROW = 10

_KEY = re.compile(r"[a-z0-9][-a-z0-9]*_[a-z0-9][-a-z0-9]*")
"""A token of subjects and a segment of paths; nothing else may become one."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as a running service knows it: its entry and the opened credentials, ready for use."""

    key: TenantKey
    cell: CellName
    spec: WhatsAppTenantSpec
    generation: int
    revision: int
    """The bucket's sequence of this entry: grows with each change."""
    credentials: Credentials = field(repr=False)
    app_secrets: tuple[bytes, ...] = field(repr=False)
    """The present secret and, during a rotation, the previous one."""
    verify_token: bytes = field(repr=False)
    lookup_key: bytes = field(repr=False)
    """32 bytes; keys conversation keys and the hashes of numbers."""
    data_key: bytes = field(repr=False)
    """32 bytes; seals numbers at rest."""
    numbers: frozenset[PhoneNumberID]
    """The tenant's own phone number ids."""


def open_entry(cell: Cell, value: bytes, revision: int) -> Tenant:
    """Reads one registry entry.

    Raises:
        ValidationError: it is no entry, or its credentials are none.
        Permanent: the credentials do not open, or the entry belongs to another cell.
        ValueError: a key is no hex.
    """
    entry = TenantEntry.model_validate_json(value)
    if not _KEY.fullmatch(entry.key) or entry.key != tenant_key(entry.namespace, entry.name):
        raise Permanent("the key is not the namespace and name", "other_key")
    if entry.cell != cell.name:
        raise Permanent(f"an entry of cell {entry.cell} in the registry of {cell.name}", "other_cell")
    credentials = unseal_credentials(cell.sealing_key, entry.sealed, entry.key)
    secrets = [credentials.app_secret, credentials.app_secret_previous]
    return Tenant(
        key=entry.key,
        cell=entry.cell,
        spec=entry.spec,
        generation=entry.generation,
        revision=revision,
        credentials=credentials,
        app_secrets=tuple(s.get_secret_value().encode() for s in secrets if s and s.get_secret_value()),
        verify_token=credentials.verify_token.get_secret_value().encode(),
        lookup_key=bytes.fromhex(credentials.lookup_key.get_secret_value()),
        data_key=bytes.fromhex(credentials.data_key.get_secret_value()),
        numbers=frozenset(PhoneNumberID(n.phone_number_id) for n in entry.spec.whatsapp.phone_numbers),
    )


Listener = Callable[[TenantKey, Tenant | None], None]


class TenantDirectory:
    """All tenants of all cells that a service serves, by key and by phone number id."""

    def __init__(self) -> None:
        self._tenants: dict[TenantKey, Tenant] = {}
        self._claims: dict[PhoneNumberID, list[TenantKey]] = {}
        self._known_cells: set[CellName] = set()
        self._listeners: list[Listener] = []

    def get(self, key: str) -> Tenant | None:
        """The tenant of a key."""
        return self._tenants.get(TenantKey(key))

    def of_number(self, phone_number_id: str) -> Tenant | None:
        """The tenant that owns a number. Where two claim it, the one that had it first keeps it."""
        claims = self._claims.get(PhoneNumberID(phone_number_id))
        return self._tenants[claims[0]] if claims else None

    def of_business_account(self, account: str) -> list[Tenant]:
        """The tenants of a WhatsApp business account. Walks over all: for rare account events only."""
        return [t for t in self._tenants.values() if t.spec.whatsapp.business_account_id == account]

    def of_cell(self, cell: CellName) -> list[Tenant]:
        """The tenants of a cell."""
        return [tenant for tenant in self._tenants.values() if tenant.cell == cell]

    def __iter__(self) -> Iterator[Tenant]:
        return iter(list(self._tenants.values()))

    def __len__(self) -> int:
        return len(self._tenants)

    def knows(self, cell: CellName) -> bool:
        """Whether the cell's registry was read whole at least once."""
        return cell in self._known_cells

    @property
    def known_cells(self) -> frozenset[CellName]:
        """Cells whose registry was read whole at least once."""
        return frozenset(self._known_cells)

    def on_change(self, listener: Listener) -> None:
        """`listener(key, tenant)` is called after each change; `None` for a tenant that went."""
        self._listeners.append(listener)

    def put(self, tenant: Tenant) -> None:
        """Takes in a new or changed tenant."""
        before = self._tenants.get(tenant.key)
        self._tenants[tenant.key] = tenant
        if before is not None:
            self._unclaim(before, before.numbers - tenant.numbers)
        for number in sorted(tenant.numbers):
            claims = self._claims.setdefault(number, [])
            if tenant.key not in claims:
                claims.append(tenant.key)
                if len(claims) > 1:
                    _log.error("number_claimed_twice", tenant=tenant.key, owner=claims[0])
        for listener in self._listeners:
            listener(tenant.key, tenant)

    def remove(self, key: TenantKey, cell: CellName) -> None:
        """Forgets a tenant that is gone from `cell`; nothing where it lives in another cell by now."""
        tenant = self._tenants.get(key)
        if tenant is None or tenant.cell != cell:
            return
        del self._tenants[key]
        self._unclaim(tenant, tenant.numbers)
        for listener in self._listeners:
            listener(key, None)

    def mark_known(self, cell: CellName) -> None:
        """The cell's registry was read whole."""
        self._known_cells.add(cell)

    def drop_cell(self, cell: CellName) -> None:
        """Forgets a cell that is no longer served, and its tenants."""
        self._known_cells.discard(cell)
        for tenant in self.of_cell(cell):
            self.remove(tenant.key, cell)

    def _unclaim(self, tenant: Tenant, numbers: frozenset[PhoneNumberID]) -> None:
        for number in numbers:
            claims = self._claims.get(number, [])
            if tenant.key in claims:
                claims.remove(tenant.key)
            if not claims:
                self._claims.pop(number, None)


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
    bucket = await js.key_value(registry_bucket(cell.name))
    # The last sequence may belong to a value that was purged since: no watch will ever show it.
    last = (await bucket.status()).stream_info.state.last_seq
    watcher = await bucket.watchall()
    reader = _Reader(cell, directory, seen, last)
    reading = asyncio.create_task(reader.read(watcher))
    try:
        await _until_silent(bucket, reader, restart, reading)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
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
        last = (await bucket.status()).stream_info.state.last_seq
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
