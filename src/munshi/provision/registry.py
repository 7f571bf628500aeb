"""A tenant's entry in its cell's registry: written here, read by every service."""

from datetime import datetime

from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import registry_bucket
from munshi.contracts.tenant import Credentials, TenantEntry, WhatsAppTenant, cell_of
from munshi.provision.cells import Bus
from munshi.provision.key_ring import CellKeys
from munshi.provision.nats_accounts import connected
from munshi.sealing import Unsealable, seal_credentials, unseal_credentials


def entry_of(
    tenant: WhatsAppTenant,
    credentials: Credentials,
    cell_keys: CellKeys,
    generation: int,
    created: datetime | None = None,
) -> TenantEntry:
    """The entry, with the credentials sealed under the cell's key for this tenant only."""
    sealing_key = bytes.fromhex(cell_keys.sealing_key)
    return TenantEntry(
        key=tenant.key,
        name=tenant.metadata.name,
        namespace=tenant.metadata.namespace,
        cell=cell_of(tenant.key, tenant.spec),
        generation=generation,
        spec=tenant.spec,
        sealed=seal_credentials(sealing_key, credentials, tenant.key),
        created=created,
    )


async def put_entry(bus: Bus, cell_keys: CellKeys, entry: TenantEntry) -> None:
    """Writes the entry; services see it within a second. One that says the same already is left alone."""
    async with connected(bus.url, bus.admin_creds(entry.cell, cell_keys), "provisioning") as connection:
        await put_over(connection.jetstream(), cell_keys, entry)


async def put_over(js: JetStreamContext, cell_keys: CellKeys, entry: TenantEntry) -> bool:
    """Writes the entry over an open connection; whether there was anything to write."""
    bucket = await js.key_value(registry_bucket(entry.cell))
    try:
        held = (await bucket.get(entry.key)).value or b""
    except KeyNotFoundError:
        held = b""
    if _same(held, entry, bytes.fromhex(cell_keys.sealing_key)):
        return False
    await bucket.put(entry.key, entry.model_dump_json(by_alias=True).encode())
    return True


def _same(held: bytes, entry: TenantEntry, sealing_key: bytes) -> bool:
    """Sealing the same credentials twice gives two texts: what is inside is compared."""
    try:
        found = TenantEntry.model_validate_json(held)
        inside = unseal_credentials(sealing_key, found.sealed, found.key)
    except (ValueError, Unsealable):
        return False
    wanted = unseal_credentials(sealing_key, entry.sealed, entry.key)
    return inside == wanted and found.model_copy(update={"sealed": entry.sealed}) == entry


async def delete_entry(bus: Bus, cell_keys: CellKeys, cell: CellName, key: TenantKey) -> None:
    """Takes the entry away; services stop serving the tenant within a second."""
    async with connected(bus.url, bus.admin_creds(cell, cell_keys), "provisioning") as connection:
        await delete_over(connection.jetstream(), cell, key)


async def delete_over(js: JetStreamContext, cell: CellName, key: TenantKey) -> bool:
    """Takes the entry away over an open connection; whether it was there."""
    bucket = await js.key_value(registry_bucket(cell))
    try:
        await bucket.get(key)
    except KeyNotFoundError:
        return False
    await bucket.delete(key)
    return True
