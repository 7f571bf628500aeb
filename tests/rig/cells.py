"""Cells and tenants for a test: an account of its own, streams, a role, the folder that services watch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from munshi.cells import Cell, ObjectStoreAddress, load_cell
from munshi.contracts.ids import CellName, PhoneNumberID, TenantKey
from munshi.contracts.tenant import POOL, Credentials, TenantEntry, WhatsAppTenant
from munshi.provision import database
from munshi.provision.cells import Bus, ensure_bus, remove_bus, remove_cell, write_cell
from munshi.provision.key_ring import CellKeys
from munshi.provision.registry import delete_entry, entry_of, put_entry
from munshi.sealing import new_key
from munshi.tenants import Tenant, open_entry
from rig.servers import Servers

APP_SECRET = "app-secret-for-tests"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ACCESS_TOKEN = "access-token-for-tests"
VERIFY_TOKEN = "verify-token-for-tests"


def tenant_document(
    name: str = "sharma-kirana",
    namespace: str = "shops",
    phone_number_id: str = "106540352242922",
    **spec: Any,
) -> WhatsAppTenant:
    """A Ledger tenant of the pool; `spec` (in the YAML's spelling) is laid over it."""
    return WhatsAppTenant.model_validate(
        {
            "apiVersion": "munshi.dev/v1alpha1",
            "kind": "WhatsAppTenant",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "displayName": name.replace("-", " ").title(),
                "assistant": "Ledger",
                "languages": ["hi", "en"],
                "isolation": "Pooled",
                "whatsapp": {
                    "businessAccountID": "102290129340398",
                    "phoneNumbers": [{"phoneNumberID": phone_number_id}],
                    "secretRef": {"name": f"{name}-whatsapp"},
                },
                **spec,
            },
        }
    )


def credentials(**changes: str) -> Credentials:
    """Credentials with the secrets above; the two data keys are fresh unless given."""
    values = {
        "app_secret": APP_SECRET,
        "access_token": ACCESS_TOKEN,
        "verify_token": VERIFY_TOKEN,
        "lookup_key": new_key(),
        "data_key": new_key(),
        **changes,
    }
    return Credentials(**{name: SecretStr(value) for name, value in values.items()})


def known_tenant(
    document: WhatsAppTenant,
    secrets: Credentials | None = None,
    numbers: Iterable[str] | None = None,
    created: datetime | None = None,
) -> Tenant:
    """A tenant as a running service knows it; `numbers` are those of the document unless given."""
    keys = CellKeys()
    entry = entry_of(document, secrets or credentials(), keys, 1, created)
    cell = Cell(entry.cell, 16, "", None, None, bytes.fromhex(keys.sealing_key))
    opened = open_entry(cell, entry.model_dump_json().encode(), 1)
    return opened if numbers is None else replace(opened, numbers=frozenset(map(PhoneNumberID, numbers)))


@dataclass
class Cells:
    """Makes cells below `folder`, which is what `MUNSHI_CELLS_DIR` of a service should be."""

    servers: Servers
    folder: Path
    database_url: str | None = None
    """DSN of `munshi_admin`; without one, cells get no database."""
    objects: Callable[[CellName], ObjectStoreAddress] | None = None
    """Where a cell's objects lie; without it, cells get no object store."""
    keys: dict[CellName, CellKeys] = field(default_factory=dict)
    generation: int = 0
    created: dict[TenantKey, datetime] = field(default_factory=dict)
    """When each tenant was first put, a second after the one before."""

    @property
    def bus(self) -> Bus:
        """The NATS server."""
        return self.servers.bus

    async def add(self, name: str = POOL) -> Cell:
        """Makes a cell: account, streams, role, folder."""
        cell = CellName(name)
        keys = self.keys.setdefault(cell, CellKeys())
        # Roles belong to the whole server: the same cell keeps one password over all tests of a session.
        keys.database_password = self.servers.ring.cell(cell).database_password
        await ensure_bus(self.bus, cell, keys)
        database_url = None
        if self.database_url is not None:
            database_url = await database.ensure_cell(self.database_url, cell, keys)
        objects = self.objects(cell) if self.objects else None
        return load_cell(write_cell(self.folder, cell, keys, self.bus, database_url, objects))

    def admin_creds(self, cell: str = POOL) -> str | None:
        """Content of a `.creds` file that may do anything within the cell's account."""
        return self.bus.admin_creds(CellName(cell), self.keys[CellName(cell)])

    async def put_tenant(
        self, tenant: WhatsAppTenant | None = None, secrets: Credentials | None = None
    ) -> TenantEntry:
        """Writes a tenant's registry entry (and rows, where there is a database), and its cell if needed."""
        tenant = tenant or tenant_document()
        secrets = secrets or credentials()
        self.generation += 1
        cell = CellName(tenant.key) if tenant.spec.isolation == "Dedicated" else POOL
        if cell not in self.keys:
            await self.add(cell)
        created = self.created.setdefault(tenant.key, _EPOCH + timedelta(seconds=len(self.created)))
        entry = entry_of(tenant, secrets, self.keys[cell], self.generation, created)
        if self.database_url is not None:
            await database.ensure_tenant(self.database_url, entry)
        await put_entry(self.bus, self.keys[cell], entry)
        return entry

    async def remove_tenant(self, key: TenantKey | str, cell: str = POOL) -> None:
        """Takes the entry away."""
        name = CellName(cell)
        await delete_entry(self.bus, self.keys[name], name, TenantKey(key))

    async def remove(self) -> None:
        """Takes all accounts away again."""
        for cell, keys in self.keys.items():
            remove_cell(self.folder, cell)
            await remove_bus(self.bus, cell, keys)
