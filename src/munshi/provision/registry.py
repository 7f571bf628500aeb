"""A tenant's entry in its cell's registry: written here, read by every service."""

from nats.js.errors import KeyNotFoundError

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import registry_bucket
from munshi.contracts.tenant import Credentials, TenantEntry, WhatsAppTenant, cell_of
from munshi.provision.cells import Bus
from munshi.provision.key_ring import CellKeys
from munshi.provision.nats_accounts import connected
from munshi.sealing import Unsealable, seal_credentials, unseal_credentials


def entry_of(
    tenant: WhatsAppTenant, credentials: Credentials, cell_keys: CellKeys, generation: int
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
    )


async def put_entry(bus: Bus, cell_keys: CellKeys, entry: TenantEntry) -> None:
    """Writes the entry; services see it within a second. One that says the same already is left alone."""
    async with connected(bus.url, bus.admin_creds(entry.cell, cell_keys), "provisioning") as connection:
        bucket = await connection.jetstream().key_value(registry_bucket(entry.cell))
        try:
            held = (await bucket.get(entry.key)).value or b""
        except KeyNotFoundError:
            held = b""
        if not _same(held, entry, bytes.fromhex(cell_keys.sealing_key)):
            await bucket.put(entry.key, entry.model_dump_json(by_alias=True).encode())


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
        bucket = await connection.jetstream().key_value(registry_bucket(cell))
        try:
            await bucket.delete(key)
        except KeyNotFoundError:
            return
