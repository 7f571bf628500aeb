"""What is kept is taken away: when it is asked for, when it is old. And it is shown by signed URLs only."""

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from media import files
from media.stage import Shop, Stage, original
from munshi.contracts.ids import MessageID, TenantKey
from munshi.contracts.media import DeleteRequest, MediaAnswer, Refusal, SignRequest, Verb
from munshi.contracts.tenant import POOL
from munshi.objects import ObjectStore
from munshi.provision.object_store import erase, folder_address
from munshi_media.erasing import Retention
from munshi_media.metrics import Metrics
from rig.cells import known_tenant, tenant_document
from rig.waiting import eventually


async def delete(shop: Shop, *messages: MessageID) -> None:
    answer, _ = await shop.stage.ask(Verb.DELETE, DeleteRequest(tenant=shop.key, message_ids=messages))
    assert isinstance(answer, MediaAnswer), answer
    assert answer.refused is None


async def sign(shop: Shop, key: str, seconds: int = 60) -> MediaAnswer:
    answer, _ = await shop.stage.ask(Verb.SIGN, SignRequest(tenant=shop.key, object_key=key, seconds=seconds))
    assert isinstance(answer, MediaAnswer), answer
    return answer


async def test_a_messages_files_are_deleted_whole(stage: Stage) -> None:
    shop = await stage.shop()
    first = await shop.takes(files.photograph(), "image/jpeg")
    second = await shop.takes(files.sound(), "audio/ogg", "audio")
    await stage.read(first)
    await stage.read(second)
    await delete(shop, first.message_id, second.message_id)
    assert await shop.keys() == set()
    assert not list((stage.folder / "objects" / "cells" / "pool").glob(f"{shop.key}/**")), "no name is left"
    await delete(shop, first.message_id, MessageID("wamid.never-seen"))


async def test_bytes_that_came_in_two_messages_stay_for_the_other(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.photograph()
    first, second = await shop.takes(data, "image/jpeg"), await shop.takes(data, "image/jpeg")
    answer = await stage.read(first)
    await stage.read(second)
    await delete(shop, first.message_id)
    assert await shop.objects.get(original(answer).key) == data
    assert answer.normalised is not None
    assert await shop.objects.find(answer.normalised.key) is not None
    await delete(shop, second.message_id)
    assert await shop.keys() == set()


async def test_what_is_being_read_is_deleted_once_it_is_read(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.photograph(), "image/jpeg")
    stage.script(documents="waits")
    try:
        reading = asyncio.create_task(stage.read(request))
        await stage.until(lambda: stage.calls("documents", shop.key) == 1)
        deleting = asyncio.create_task(delete(shop, request.message_id))
        await asyncio.sleep(0.3)
        assert not deleting.done()
    finally:
        stage.script(documents="well")
    await reading
    await deleting
    assert await shop.keys() == set()


async def test_bytes_that_rotted_in_the_store_are_fetched_anew(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.picture(text="rots")
    kept = original(await stage.read(await shop.takes(data, "image/jpeg")))
    await shop.objects.put(kept.key, data[:-10] + b"0123456789")
    answer = await stage.read(await shop.takes(data, "image/jpeg"))
    assert answer.document is not None
    assert await shop.objects.get(kept.key) == data


async def test_a_signed_url_opens_one_object_for_a_while(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.picture()
    kept = original(await stage.read(await shop.takes(data, "image/jpeg")))
    text = original(await stage.read(await shop.takes(b"<script>alert(1)</script>", "text/html", "document")))
    url = (await sign(shop, kept.key)).url
    page = (await sign(shop, text.key)).url
    short = (await sign(shop, kept.key, 1)).url
    assert url
    assert page
    assert short
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert (answer.status, await answer.read()) == (200, data)
            assert answer.content_type == "image/jpeg"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
        async with http.get(page) as answer:
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["Content-Disposition"] == "attachment"
        for forged in (
            url.replace(kept.key, text.key),
            url.replace("seal=", "seal=0"),
            url.partition("?")[0],
            url.replace("until=", "until=9"),
            url.replace(shop.key, "shops_other"),
            url.replace("/pool/", "/other/"),
        ):
            async with http.get(forged) as answer:
                assert answer.status == 403, forged
        until = int(parse_qs(urlsplit(short).query)["until"][0])
        await stage.until(lambda: time.time() > until)
        async with http.get(short) as answer:
            assert answer.status == 403
    assert (await sign(shop, f"00/{'0' * 64}")).refused is Refusal.GONE


@dataclass
class Moved:
    """A clock that stands still until it is moved."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


def age(root: Path, days: float) -> None:
    """Makes files look so old."""
    then = time.time() - days * 86_400
    for folder, _, names in os.walk(root):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a pass may take it away meanwhile
                os.utime(Path(folder, name), (then, then))


async def test_what_is_older_than_its_tenants_retention_goes(own_stage: Stage) -> None:
    stage = own_stage
    await stage.open(MUNSHI_RETENTION_SECONDS="0.5")
    short = await stage.shop(retention={"media": "30d", "messages": "365d"})
    usual = await stage.shop()
    pool = stage.folder / "objects" / "cells" / "pool"
    for shop in (short, usual):
        await stage.read(await shop.takes(files.photograph(), "image/jpeg"))
    left = pool / "shops_that-was-deleted-and-retained" / "ab" / "x"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"kept by its policy")
    age(left.parent, 400)
    age(pool / usual.key, 60)
    before = await usual.keys()
    age(pool / short.key, 31)
    await eventually(lambda: _empty(short), "what is too old goes")
    assert await usual.keys() == before
    assert left.exists()
    age(pool / usual.key, 91)
    await eventually(lambda: _empty(usual), "the other's goes, too")


async def _empty(shop: Shop) -> bool:
    return not await shop.keys()


async def test_bytes_that_came_in_anew_are_young_again(own_stage: Stage) -> None:
    stage = own_stage
    await stage.open(MUNSHI_RETENTION_SECONDS="0.5")
    shop = await stage.shop(retention={"media": "30d", "messages": "365d"})
    data = files.photograph()
    first = await stage.read(await shop.takes(data, "image/jpeg"))
    age(stage.folder / "objects" / "cells" / "pool" / shop.key, 29.9)
    second = await shop.takes(data, "image/jpeg")
    await stage.read(second)
    info = await shop.objects.find(original(first).key)
    assert info is not None
    assert info.modified.timestamp() > time.time() - 86_400


async def test_one_pass_serves_all_replicas(tmp_path: Path) -> None:
    store, tenant = ObjectStore(folder_address(tmp_path, POOL)), known_tenant(tenant_document())
    objects, clock, day = store.of(tenant.key), Moved(), 86_400.0
    replicas = [Retention(store, lambda: [tenant], Metrics(), day, clock) for _ in range(2)]

    async def too_old() -> None:
        await objects.put("ab/x", b"x")
        age(tmp_path, 400)

    for first, second in (replicas, replicas[::-1]):
        await too_old()
        assert await first.once() == day
        assert not await objects.list("ab")
        await too_old()
        clock.now += day / 2
        for replica in (second, first):
            assert await replica.once() == pytest.approx(day / 2)
        assert await objects.list("ab") == ["ab/x"], "the pass of one is that of the other, too"
        clock.now += day / 2


def test_a_deleted_tenants_objects_are_erased(tmp_path: Path) -> None:
    cell, mine, other = POOL, TenantKey("shops_a"), TenantKey("shops_ab")
    for tenant in (mine, other):
        path = tmp_path / "cells" / cell / tenant / "ab" / "x"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    erase(tmp_path, cell, mine)
    erase(tmp_path, cell, mine)
    assert not (tmp_path / "cells" / cell / mine).exists()
    assert (tmp_path / "cells" / cell / other / "ab" / "x").exists()
