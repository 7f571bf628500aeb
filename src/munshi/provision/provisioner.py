"""Makes one tenant be served, or no longer: cell, database, registry, emulator. Every step may run again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import nats.errors
import nats.js.errors

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL, DeletionPolicy, Isolation, cell_of
from munshi.errors import Retryable
from munshi.provision import database
from munshi.provision.cells import Bus, ensure_bus, remove_bus, remove_cell, write_cell
from munshi.provision.emulator import forget_numbers, number_bodies, register_numbers
from munshi.provision.key_ring import KeyRing, load_key_ring, save_key_ring, write_private
from munshi.provision.object_store import erase, folder_address
from munshi.provision.registry import delete_entry, entry_of, put_entry
from munshi.provision.tenant_store import TenantStore
from munshi.provision.tenants import ServedTenant


@contextmanager
def clear_failures() -> Iterator[None]:
    """Turns what servers and their drivers raise into one error that can be shown.

    Raises:
        Retryable: database or bus did not answer, or refused.
    """
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Retryable(f"the database refused: {error}; see `munshi status` and try again") from error
    except (nats.errors.Error, nats.js.errors.Error) as error:
        raise Retryable(f"NATS refused: {error}; see `munshi status` and try again") from error
    except (ConnectionError, TimeoutError) as error:
        said = str(error) or type(error).__name__
        raise Retryable(f"a server does not answer: {said}; see `munshi status` and try again") from error


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are kept and reached."""

    keys: Path
    admin_creds: Path
    """Folder for a `.creds` file of each cell that may do anything within it: for a person, no service."""
    cells: Path
    tenants: Path
    ingress_url: str
    emulator_url: str | None
    """Absent: another Graph API is in use."""
    objects: Path | None = None
    """Folder that is the object store; absent: the cells get none."""


@dataclass
class Provisioner:
    """Works on one platform. Only one at a time may: the caller holds the lock."""

    places: Places
    bus: Bus
    database_url: str
    """Of `munshi_admin`."""
    _ring: KeyRing | None = None
    _ensured: set[CellName] = field(default_factory=set)

    @property
    def ring(self) -> KeyRing:
        """The platform's keys."""
        if self._ring is None:
            self._ring = load_key_ring(self.places.keys)
        return self._ring

    def webhook_url(self, served: ServedTenant) -> str:
        """Where Meta posts this tenant's webhooks."""
        return f"{self.places.ingress_url}/webhooks/whatsapp/{served.key}"

    async def ensure_cell(self, cell: CellName) -> None:
        """Makes or updates a cell: account, streams, role, folder."""
        if cell in self._ensured:
            return
        keys = self.ring.cell(cell)
        save_key_ring(self.places.keys, self.ring)
        url, _ = await asyncio.gather(
            database.ensure_cell(self.database_url, cell, keys), ensure_bus(self.bus, cell, keys)
        )
        objects = folder_address(self.places.objects, cell) if self.places.objects else None
        write_cell(self.places.cells, cell, keys, self.bus, url, objects)
        creds = self.bus.admin_creds(cell, keys)
        if creds is not None:
            write_private(self.places.admin_creds / f"{cell}.creds", creds)
        self._ensured.add(cell)

    async def ensure_pool(self) -> None:
        """The pool is always there, tenants or not."""
        await self.ensure_cell(POOL)

    async def apply(self, served: ServedTenant, before: ServedTenant | None = None) -> None:
        """Makes the tenant be served as given and keeps it for the next start. Live within 2 s."""
        store = TenantStore(self.places.tenants)
        if served.tenant.spec.paused:  # kept as given, and left alone
            store.save(served)
            return
        cell = cell_of(served.key, served.tenant.spec)
        tenant_keys = self.ring.tenant(served.key)
        await self.ensure_cell(cell)
        save_key_ring(self.places.keys, self.ring)
        cell_keys = self.ring.cell(cell)
        credentials = served.credentials(tenant_keys)
        entry = entry_of(served.tenant, credentials, cell_keys, served.generation, served.created)
        await database.ensure_tenant(self.database_url, entry)
        if self.places.emulator_url is not None:
            # As with Meta, a token holds before it is applied: a refused one would stop the number.
            await self._tell_emulator(self.places.emulator_url, served, before)
        await put_entry(self.bus, cell_keys, entry)
        store.save(served)

    async def delete(self, served: ServedTenant) -> None:
        """Ends the service. `Retain` keeps rows, keys and what waits on the bus; `Delete` keeps nothing."""
        cell = cell_of(served.key, served.tenant.spec)
        keys = self.ring.cell(cell)
        if self.places.emulator_url is not None:
            numbers = [number.phone_number_id for number in served.tenant.spec.whatsapp.phone_numbers]
            await asyncio.to_thread(forget_numbers, self.places.emulator_url, numbers)
        await self.ensure_cell(cell)
        await delete_entry(self.bus, keys, cell, served.key)
        dedicated = served.tenant.spec.isolation is Isolation.DEDICATED
        gone = served.tenant.spec.deletion_policy is DeletionPolicy.DELETE
        if dedicated:
            remove_cell(self.places.cells, cell)
            (self.places.admin_creds / f"{cell}.creds").unlink(missing_ok=True)
            self._ensured.discard(cell)
            if gone:
                await remove_bus(self.bus, cell, keys)
        await database.remove_tenant(self.database_url, served.key, erase=gone)
        if gone:
            if self.places.objects is not None:
                await asyncio.to_thread(erase, self.places.objects, cell, served.key)
            if dedicated:
                await database.remove_cell(self.database_url, cell)
                self.ring.cells.pop(cell, None)
            self.ring.tenants.pop(served.key, None)
            save_key_ring(self.places.keys, self.ring)
        TenantStore(self.places.tenants).remove(served.key)

    async def _tell_emulator(self, url: str, served: ServedTenant, before: ServedTenant | None) -> None:
        bodies = number_bodies(served, self.webhook_url(served))
        await asyncio.to_thread(register_numbers, url, bodies)
        if before is not None:
            old = {number.phone_number_id for number in before.tenant.spec.whatsapp.phone_numbers}
            await asyncio.to_thread(forget_numbers, url, sorted(old - bodies.keys()))
