"""The registry: what a service knows of its tenants, live, whatever becomes of NATS."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from ingress.meta import admin_of, bus_of
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.errors import Permanent
from munshi.registry import Tenant, TenantDirectory, follow_registry, open_entry
from rig.cells import Cells, credentials, known_tenant, tenant_document
from rig.waiting import eventually

SHARMA = TenantKey("shops_sharma")


@asynccontextmanager
async def followed(cells: Cells) -> AsyncIterator[TenantDirectory]:
    """A directory that follows the pool's registry."""
    directory = TenantDirectory()
    async with bus_of(cells) as bus:
        following = asyncio.create_task(follow_registry(bus, directory))
        try:
            await eventually(lambda: directory.knows(POOL))
            yield directory
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def test_an_empty_registry_is_known(cells: Cells) -> None:
    await cells.add()
    async with followed(cells) as directory:
        assert len(directory) == 0
        assert directory.known_cells == {POOL}


async def test_tenants_are_opened_changed_and_forgotten_live(cells: Cells) -> None:
    await cells.put_tenant(
        tenant_document("sharma"), credentials(app_secret="first-secret", app_secret_previous="zero")
    )
    async with followed(cells) as directory:
        tenant = directory.get(SHARMA)
        assert tenant is not None
        assert tenant.app_secrets == (b"first-secret", b"zero")
        assert tenant.numbers == {"106540352242922"}
        assert directory.of_number("106540352242922") is tenant
        assert directory.of_business_account("102290129340398") == [tenant]
        assert "first-secret" not in repr(tenant)
        changes: list[tuple[TenantKey, Tenant | None]] = []
        directory.on_change(lambda key, now: changes.append((key, now)))
        await cells.put_tenant(
            tenant_document("sharma", phone_number_id="77777"), credentials(app_secret="two")
        )
        await eventually(lambda: changes)
        (key, changed) = changes[0]
        assert key == SHARMA
        assert changed is not None
        assert changed.app_secrets == (b"two",)
        assert changed.revision > tenant.revision
        assert directory.of_number("106540352242922") is None
        assert directory.of_number("77777") is changed
        await cells.remove_tenant("shops_sharma")
        await eventually(lambda: directory.get(SHARMA) is None)
        assert changes[-1] == (SHARMA, None)
        assert directory.of_number("77777") is None


async def test_many_tenants_are_read_at_once(cells: Cells) -> None:
    entry = await cells.put_tenant(tenant_document("sharma"))
    body = entry.model_dump_json(by_alias=True).encode()
    async with admin_of(cells) as admin:
        bucket = await admin.client.jetstream().key_value("munshi-pool-tenants")
        # Sealed for another owner: none of these opens, and each is passed over.
        for start in range(0, 200, 100):
            names = [f"shop-{n}" for n in range(start, start + 100)]
            await asyncio.gather(
                *(
                    bucket.put(f"shops_{name}", body.replace(b"shops_sharma", f"shops_{name}".encode()))
                    for name in names
                )
            )
    async with followed(cells) as directory:
        assert [tenant.key for tenant in directory] == ["shops_sharma"]


async def test_what_is_known_stays_while_nats_is_away_and_is_put_right_after(own_cells: Cells) -> None:
    await own_cells.put_tenant(tenant_document("sharma"))
    await own_cells.put_tenant(tenant_document("gupta", phone_number_id="22222"))
    async with followed(own_cells) as directory:
        own_cells.servers.nats.kill()
        await asyncio.sleep(0)
        assert len(directory) == 2
        own_cells.servers.nats.start()
        await own_cells.remove_tenant("shops_gupta")
        async with admin_of(own_cells) as admin:
            await admin.client.jetstream().purge_stream("KV_munshi-pool-tenants", subject="$KV.*.shops_gupta")
        await own_cells.put_tenant(tenant_document("verma", phone_number_id="33333"))
        keys = {"shops_sharma", "shops_verma"}
        await eventually(lambda: {tenant.key for tenant in directory} == keys)


async def test_a_watch_that_went_silent_is_made_anew(cells: Cells) -> None:
    await cells.put_tenant(tenant_document("sharma"))
    async with followed(cells) as directory:
        async with admin_of(cells) as admin:
            js = admin.client.jetstream()
            for consumer in await js.consumers_info("KV_munshi-pool-tenants"):
                await js.delete_consumer("KV_munshi-pool-tenants", consumer.name)
        await cells.put_tenant(tenant_document("gupta", phone_number_id="22222"))
        await eventually(lambda: len(directory) == 2)


async def test_a_bucket_that_comes_late_is_found(cells: Cells) -> None:
    await cells.put_tenant(tenant_document("sharma"))
    async with admin_of(cells) as admin:
        await admin.client.jetstream().delete_stream("KV_munshi-pool-tenants")
    directory = TenantDirectory()
    async with bus_of(cells) as bus:
        following = asyncio.create_task(follow_registry(bus, directory))
        await asyncio.sleep(0)
        assert not directory.knows(POOL)
        await cells.add()
        await cells.put_tenant(tenant_document("gupta", phone_number_id="22222"))
        await eventually(lambda: directory.get("shops_gupta") is not None)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def known(name: str, *numbers: str, created: int | None = None, **spec: str) -> Tenant:
    made = datetime(created, 1, 1, tzinfo=UTC) if created else None
    return known_tenant(tenant_document(name, **spec), numbers=numbers, created=made)


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_the_oldest_keeps_a_number_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    tenants = [known("young", "1", created=2026), known("old", "1", created=2025), known("z-first", "1")]
    directory = TenantDirectory()
    for index in order:
        directory.put(tenants[index])
    assert owner(directory, "1") == "shops_z-first"
    directory.remove(TenantKey("shops_z-first"), POOL)
    assert owner(directory, "1") == "shops_old"
    directory.put(known("old", "2", created=2025))
    assert owner(directory, "1") == "shops_young"


def test_a_number_stays_with_who_had_it_first_and_goes_on_when_it_is_given_up() -> None:
    directory = TenantDirectory()
    directory.put(known("first", "1"))
    directory.put(known("second", "1", "2"))
    directory.put(known("first", "1"))
    assert owner(directory, "1") == "shops_first"
    assert owner(directory, "2") == "shops_second"
    directory.put(known("first", "3"))
    assert owner(directory, "1") == "shops_second"
    directory.remove(TenantKey("shops_second"), POOL)
    assert owner(directory, "1") is None
    assert owner(directory, "3") == "shops_first"


def test_a_tenant_that_moved_to_another_cell_is_not_forgotten_by_the_old_one() -> None:
    directory = TenantDirectory()
    directory.put(known("sharma", "1"))
    directory.put(known("sharma", "1", isolation="Dedicated"))
    directory.remove(SHARMA, POOL)
    directory.drop_cell(POOL)
    assert owner(directory, "1") == "shops_sharma"
    directory.drop_cell(CellName("shops_sharma"))
    assert len(directory) == 0


def owner(directory: TenantDirectory, number: str) -> str | None:
    tenant = directory.of_number(number)
    return tenant.key if tenant else None


async def test_only_a_token_is_a_key(cells: Cells) -> None:
    entry = await cells.put_tenant(tenant_document("sharma"))
    cell = await cells.add()
    assert open_entry(cell, entry.model_dump_json(by_alias=True).encode(), 1).key == SHARMA
    for key in ("a.b_c", "a_b_c", "ab", "A_b", "a_b>", "a _b"):
        odd = entry.model_copy(update={"key": key})
        with pytest.raises(Permanent):
            open_entry(cell, odd.model_dump_json(by_alias=True).encode(), 1)
