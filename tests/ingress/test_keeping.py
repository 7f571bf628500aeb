"""What a 200 means: everything of it is in the stream, once; and what is no use is kept aside."""

import asyncio
import random
from datetime import UTC, datetime

from ingress.conftest import StartIngress
from ingress.meta import (
    PATH,
    PLATFORM_PATH,
    Meta,
    admin_of,
    change,
    dead_letters,
    events,
    ids,
    message,
    meta_of,
    status,
    subjects,
    webhook,
)
from munshi.bus.streams import Sizing
from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi.provision.cells import ensure_bus, remove_cell
from rig.cells import APP_SECRET, Cells, credentials, tenant_document
from rig.frozen import frozen
from rig.waiting import eventually


async def test_a_batch_of_1000_updates_permuted_and_with_duplicates(meta: Meta, cells: Cells) -> None:
    messages = [
        message(f"wamid.{n:04d}", f"9198200{n % 50:05d}", timestamp=str(1767225600 + n)) for n in range(500)
    ]
    statuses = [status(f"wamid.O{n:04d}", word) for n in range(125) for word in ("sent", "delivered", "read")]
    doubled = messages[:75] + statuses[:50]
    chance = random.Random(7)
    changes = [change(messages=[each]) for each in [*messages, *messages[:75]]]
    changes += [change(statuses=[each]) for each in [*statuses, *statuses[:50]]]
    chance.shuffle(changes)
    assert len(changes) == 1000
    assert len(doubled) == 125
    assert await meta.post(webhook(*changes)) == 200
    assert await meta.post(webhook(*reversed(changes))) == 200
    found = ids(await events(cells))
    assert len(found) == len(set(found)) == 875
    own = [each for each in found if each.startswith("wamid.0")]
    for person in range(50):
        mine = [each for each in own if int(each[6:]) % 50 == person]
        assert mine == sorted(mine)


async def test_the_same_webhook_again_and_in_another_batch_is_kept_once(meta: Meta, cells: Cells) -> None:
    one, two = change(messages=[message("wamid.1")]), change(messages=[message("wamid.2")])
    posts = [webhook(one), webhook(one), webhook(one, two), webhook(two, one)]
    assert await asyncio.gather(*(meta.post(each) for each in posts)) == [200] * 4
    assert sorted(ids(await events(cells))) == ["wamid.1", "wamid.2"]


async def test_dead_letters_are_kept_answered_200_and_counted(meta: Meta, cells: Cells) -> None:
    foreign = change("999", messages=[message("wamid.F")])
    assert await meta.post(b"{not json") == 200
    assert await meta.post(b"{not json") == 200
    assert await meta.post({"object": "page", "entry": []}) == 200
    assert await meta.post(webhook(change(messages=[message("wamid.1")]), foreign)) == 200
    assert ids(await events(cells)) == ["wamid.1"]
    letters = await dead_letters(cells)
    assert sorted(letter.reason for letter in letters) == [
        "foreign_phone_number",
        "malformed_json",
        "unknown_object",
    ]
    assert {letter.tenant for letter in letters} == {"shops_sharma-kirana"}
    assert await meta.metric('munshi_ingress_dead_letters_total{reason="foreign_phone_number"}') == 1
    assert await meta.metric('munshi_ingress_requests_total{outcome="dead_letter"}') == 3


async def test_a_full_stream_is_503_until_there_is_room(
    own_cells: Cells, start_ingress: StartIngress
) -> None:
    await own_cells.put_tenant()
    keys = own_cells.keys[POOL]
    await ensure_bus(own_cells.bus, POOL, keys, Sizing(event_bytes=64 * 1024))
    async with meta_of(start_ingress(own_cells).url) as meta:
        kept: list[str] = []
        for number in range(500):
            wamid = f"wamid.{number:03d}"
            code = await meta.post(webhook(change(messages=[message(wamid)])))
            if code != 200:
                break
            kept.append(wamid)
        assert code == 503
        assert kept
        assert ids(await events(own_cells)) == kept
        assert await meta.metric('munshi_ingress_requests_total{outcome="bus_full"}') == 1
        # Part of a batch may find room; what is posted again is not doubled.
        await ensure_bus(own_cells.bus, POOL, keys, Sizing(event_bytes=66 * 1024))
        batch = webhook(*(change(messages=[message(f"wamid.B{n:03d}")]) for n in range(50)))
        assert await meta.post(batch) == 503
        partly = len(await events(own_cells))
        await ensure_bus(own_cells.bus, POOL, keys, Sizing(event_bytes=1024 * 1024))

        async def taken() -> bool:
            return await meta.post(batch) == 200

        await eventually(taken)
        found = ids(await events(own_cells))
        assert len(found) == len(set(found)) == len(kept) + 50
        assert partly < len(found)


async def test_a_missing_stream_is_503(own_cells: Cells, start_ingress: StartIngress) -> None:
    await own_cells.put_tenant()
    async with meta_of(start_ingress(own_cells).url) as meta:
        async with admin_of(own_cells) as bus:
            assert await bus.client.jetstream().delete_stream("munshi-pool-events")
        assert await meta.post(webhook(change(messages=[message("wamid.1")]))) == 503
        await ensure_bus(own_cells.bus, POOL, own_cells.keys[POOL])
        assert await meta.post(webhook(change(messages=[message("wamid.1")]))) == 200


async def test_the_platforms_batch_goes_to_several_tenants_in_several_cells(
    cells: Cells, start_ingress: StartIngress
) -> None:
    await cells.put_tenant(tenant_document("sharma", phone_number_id="11111"))
    await cells.put_tenant(tenant_document("gupta", phone_number_id="22222"))
    await cells.put_tenant(tenant_document("verma", phone_number_id="33333", isolation="Dedicated"))
    service = start_ingress(cells, MUNSHI_PLATFORM_APP_SECRET="platform-secret")
    async with meta_of(service.url) as meta:

        async def all_known() -> bool:
            return (await meta.get("/readyz"))[1].count('"tenants":3') == 1

        await eventually(all_known)
        changes = [change(str(11111 * (1 + n % 4)), messages=[message(f"wamid.{n:02d}")]) for n in range(40)]
        assert await meta.post(webhook(*changes), PLATFORM_PATH, secret="platform-secret") == 200
    pool = await events(cells)
    verma = await events(cells, "shops_verma")
    assert sorted(ids(pool) + ids(verma)) == [f"wamid.{n:02d}" for n in range(40) if n % 4 != 3]
    assert {each.tenant for each in pool} == {"shops_sharma", "shops_gupta"}
    assert {each.tenant for each in verma} == {"shops_verma"}
    letters = await dead_letters(cells)
    assert [(each.tenant, each.reason) for each in letters] == [("platform", "foreign_phone_number")] * 10
    assert all(name.split(".")[1] == "pool" for name in await subjects(cells))


async def test_a_number_claimed_twice_stays_with_who_had_it(
    cells: Cells, start_ingress: StartIngress
) -> None:
    await cells.put_tenant(tenant_document("sharma", phone_number_id="11111"))
    service = start_ingress(cells, MUNSHI_PLATFORM_APP_SECRET="platform-secret")
    async with meta_of(service.url) as meta:
        await cells.put_tenant(tenant_document("thief", phone_number_id="11111"))

        async def both_known() -> bool:
            return '"tenants":2' in (await meta.get("/readyz"))[1]

        await eventually(both_known)
        body = webhook(change("11111", messages=[message("wamid.1")]))
        assert await meta.post(body, PLATFORM_PATH, "platform-secret") == 200
    assert [each.tenant for each in await events(cells)] == ["shops_sharma"]
    assert "number_claimed_twice" in service.log


async def test_of_two_that_claim_a_number_the_older_keeps_it(
    cells: Cells, start_ingress: StartIngress
) -> None:
    older = tenant_document("older", phone_number_id="11111")
    cells.created[older.key] = datetime(2025, 1, 1, tzinfo=UTC)
    await cells.put_tenant(tenant_document("younger", phone_number_id="11111"))
    service = start_ingress(cells, MUNSHI_PLATFORM_APP_SECRET="platform-secret")
    async with meta_of(service.url) as meta:
        body = webhook(change("11111", messages=[message("wamid.1")]))
        assert await meta.post(body, PLATFORM_PATH, "platform-secret") == 200
        await cells.put_tenant(older)

        async def both_known() -> bool:
            return '"tenants":2' in (await meta.get("/readyz"))[1]

        await eventually(both_known)
        body = webhook(change("11111", messages=[message("wamid.2")]))
        assert await meta.post(body, PLATFORM_PATH, "platform-secret") == 200
        body = webhook(change("11111", messages=[message("wamid.3")]))
        assert await meta.post(body, "/webhooks/whatsapp/shops_younger") == 200
    # Though it came later to this process.
    assert [each.tenant for each in await events(cells)] == ["shops_younger", "shops_older"]
    letters = await dead_letters(cells)
    assert [(each.tenant, each.reason) for each in letters] == [("shops_younger", "foreign_phone_number")]


async def test_a_broken_entry_harms_nobody(cells: Cells, meta: Meta) -> None:
    async with admin_of(cells) as bus:
        bucket = await bus.client.jetstream().key_value("munshi-pool-tenants")
        await bucket.put("shops_broken", b"{no entry")
        await bucket.put("shops_sharma-kirana", b'{"key": "shops_sharma-kirana"}')
        await bucket.put("with.dots", b"{}")
    await cells.put_tenant(tenant_document("gupta", phone_number_id="22222"))
    path = "/webhooks/whatsapp/shops_gupta"

    async def live() -> bool:
        return await meta.post(webhook(change("22222", messages=[message("wamid.G")])), path) == 200

    await eventually(live)
    assert await meta.post(webhook(change(messages=[message("wamid.1")]))) == 200
    broken = "/webhooks/whatsapp/shops_broken"
    assert await meta.post(webhook(change(messages=[message("wamid.2")])), broken) == 404


async def test_too_much_in_work_is_shed_at_once(cells: Cells, start_ingress: StartIngress) -> None:
    await cells.put_tenant()
    service = start_ingress(cells, MUNSHI_MAX_REQUESTS="4", MUNSHI_MAX_WAITING_BYTES="100000")
    body = webhook(change(messages=[message(f"wamid.{n:03d}") for n in range(200)]))
    nats = cells.servers.nats.process
    assert nats is not None
    async with meta_of(service.url) as meta:
        with frozen(nats.pid):  # so that what is in work stays so until the others are answered
            posts = [asyncio.create_task(meta.post(body)) for _ in range(60)]
            await eventually(lambda: sum(post.done() for post in posts) >= 56, "the others are shed")
        answers = await asyncio.gather(*posts)
        assert set(answers) == {200, 503}
        assert 1 <= answers.count(200) <= 4
        assert await meta.metric('munshi_ingress_requests_total{outcome="busy"}') == answers.count(503)
        assert await meta.post(body) == 200
        assert await meta.metric("munshi_ingress_waiting_bytes") == 0
    assert len(await events(cells)) == 200


async def test_a_cell_comes_changes_and_goes_live(cells: Cells, meta: Meta) -> None:
    path = "/webhooks/whatsapp/shops_verma"
    body = webhook(change("33333", messages=[message("wamid.V")]))
    assert await meta.post(body, path) == 404
    document = tenant_document("verma", phone_number_id="33333", isolation="Dedicated")
    await cells.put_tenant(document)

    async def answers(code: int) -> bool:
        return await meta.post(body, path) == code

    await eventually(lambda: answers(200))
    assert ids(await events(cells, "shops_verma")) == ["wamid.V"]
    remove_cell(cells.folder, CellName("shops_verma"))
    await eventually(lambda: answers(404))
    assert await meta.post(webhook(change(messages=[message("wamid.1")])), PATH, APP_SECRET) == 200


async def test_secrets_of_one_tenant_open_no_other(cells: Cells, start_ingress: StartIngress) -> None:
    await cells.put_tenant()
    await cells.put_tenant(
        tenant_document("gupta", phone_number_id="22222"), credentials(app_secret="guptas")
    )
    async with meta_of(start_ingress(cells).url) as meta:
        body = webhook(change("22222", messages=[message("wamid.1")]))
        assert await meta.post(body, "/webhooks/whatsapp/shops_gupta", APP_SECRET) == 401
        assert await meta.post(body, PATH, "guptas") == 401
        assert await meta.post(body, PATH, APP_SECRET) == 200
    assert await events(cells) == []
    assert [letter.reason for letter in await dead_letters(cells)] == ["foreign_phone_number"]
