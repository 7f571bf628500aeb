"""What the operator makes outside, over real servers, with eyes of a test's own on them."""

import contextlib
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from nats.aio.client import Client, RawCredentials

from munshi.cells import Cell, load_cell
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.provision.cell_rights import cell_creds
from munshi.provision.derived_keys import MasterKey
from munshi.provision.key_ring import KeyRing
from munshi_operator.outside import OutsideSettings, Provisioned, open_outside
from munshi_operator.outside.accounts import connect
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import CellAccess, Served, TenantObject
from rig.cells import ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN, tenant_document
from rig.fixtures import run_as_superuser, template_database
from rig.servers import Servers

MASTER = MasterKey(bytes(range(100, 132)))
SECRETS = {"app-secret": APP_SECRET, "access-token": ACCESS_TOKEN, "verify-token": VERIFY_TOKEN}
SMALL = OutsideSettings(pool_event_bytes=64 * 1024 * 1024, pool_dead_bytes=16 * 1024 * 1024)


def derived_ring() -> KeyRing:
    """A ring whose NATS operator is the derived one, for the servers of the rig."""
    operator = MASTER.operator()
    return KeyRing(
        operator_seed=operator.identity.seed,
        system_account_seed=operator.system_account.seed,
        system_user_seed=operator.system_user.seed,
    )


@dataclass
class Rig:
    """The outside of one test, with eyes of its own on the servers."""

    servers: Servers
    database: str
    folder: Path
    outside: Provisioned
    db: asyncpg.Connection
    """As the superuser: sees what is there."""
    made: set[CellName] = field(default_factory=set)

    @property
    def admin_url(self) -> str:
        """As munshi_admin."""
        return self.servers.munshi_admin_url(self.database)

    def want(
        self,
        name: str = "sharma",
        isolation: str = "Dedicated",
        *,
        hibernated: bool = False,
        status: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        cell: str | None = None,
        number: str = "106540352242922",
        **spec: Any,
    ) -> Served:
        """A tenant as the engine would want it served."""
        document = tenant_document(name, "shops", number, isolation=isolation, **spec)
        seen = TenantObject(
            tenant=document,
            uid=f"uid-{name}",
            generation=1,
            created=datetime(2026, 1, 2, tzinfo=UTC),
            deleting=None,
            resource_version="1",
            status=dict(status or {}),
        )
        where = CellName(cell) if cell else seen.cell
        self.made.add(where)
        return Served(seen, dict(secrets or SECRETS), where, hibernated)

    async def cell(self, cell: str, part: str = "orchestrator") -> Cell:
        """The folder that the operator's Secret of a cell's pods would be mounted as."""
        access = await self.outside.access(CellName(cell))
        return load_cell(write_folder(self.folder / part, access, part))

    @contextlib.asynccontextmanager
    async def nats(self, creds: str | None, inbox: str = "_INBOX_provision") -> AsyncIterator[Client]:
        """A connection with given credentials."""
        client = Client()
        assert creds is not None

        async def quiet(error: Exception) -> None:
            del error

        try:
            await client.connect(
                self.servers.nats_program.url,
                user_credentials=RawCredentials(creds),
                allow_reconnect=False,
                connect_timeout=5,
                inbox_prefix=inbox,
                error_cb=quiet,
            )
            yield client
        finally:
            await client.close()

    @contextlib.asynccontextmanager
    async def admin_of(self, cell: str) -> AsyncIterator[Client]:
        """A connection that may do anything within a cell's account."""
        client = await connect(
            self.servers.nats_program.url, cell_creds(MASTER, CellName(cell)).admin, lasting=False
        )
        try:
            yield client
        finally:
            await client.close()


def write_folder(folder: Path, access: CellAccess, part: str) -> Path:
    """Writes a cell's files as the mounted Secret of `part` has them."""
    place = folder / access.cell
    place.mkdir(parents=True, exist_ok=True)
    creds = access.ingress_creds if part == "ingress" else access.orchestrator_creds
    contents = {
        "nats-url": access.nats_url,
        "nats.creds": creds,
        "database-url": access.database_url if part == "orchestrator" else None,
        "sealing-key": access.sealing_key,
        "cell.json": json.dumps({"cell": access.cell, "partitions": access.partitions}),
    }
    for name, content in contents.items():
        if content is not None:
            (place / name).write_text(content)
    return place


@contextlib.asynccontextmanager
async def rig_on(servers: Servers, folder: Path) -> AsyncIterator[Rig]:
    """The outside over a fresh database on servers of `derived_ring`; leaves nothing on them."""
    template = await template_database(servers)
    name = f"outside_{uuid.uuid4().hex[:12]}"
    await run_as_superuser(servers, f'create database "{name}" template "{template}" owner munshi_owner')
    await run_as_superuser(servers, f'grant connect on database "{name}" to munshi_services, munshi_admin')
    key_file = folder / "master-key"
    key_file.write_text(MASTER.secret.hex())
    settings = OperatorSettings(
        master_key_file=key_file,
        database_url=servers.munshi_admin_url(name),
        nats_url=servers.nats_program.url,
    )
    db = await asyncpg.connect(servers.admin_url(name))
    try:
        async with open_outside(settings, SMALL) as outside:
            outside.settle_seconds = 0.2
            made = Rig(servers, name, folder / "cells", outside, db)
            await outside.ensure_platform()
            yield made
            for cell in made.made | {POOL}:
                await outside._remove_account(cell)
        roles = [row["role_name"] for row in await db.fetch("select role_name from cells")]
    finally:
        await db.close()
    await run_as_superuser(servers, f'drop database if exists "{name}" with (force)')
    for role in roles:
        await run_as_superuser(servers, f'drop role if exists "{role}"')


def moved(want: Served, **status: Any) -> Served:
    """The same with another status."""
    return dataclasses.replace(want, object=dataclasses.replace(want.object, status=status))


def key_of(want: Served) -> TenantKey:
    """Its tenant's key."""
    return want.object.key
