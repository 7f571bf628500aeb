"""What Meta does to a download, and what becomes of the file."""

import asyncio

import pytest

from media import files
from media.stage import Stage, original
from munshi.contracts.media import MediaFailure, ReadRequest, Refusal, Verb
from rig.cells import credentials, tenant_document


async def located(stage: Stage, request: ReadRequest, token: str) -> ReadRequest:
    """The request with the URL that the webhook would have brought."""
    import aiohttp

    url = f"{stage.emulator.url}/v25.0/{request.media_id}"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return request.model_copy(update={"url": (await answer.json())["url"]})


async def test_the_webhooks_own_url_is_used(stage: Stage) -> None:
    shop = await stage.shop()
    request = await located(stage, await shop.takes(files.picture(), "image/jpeg"), shop.token)
    await shop.fault("http", endpoint="media_url", http_status=500)  # nobody may ask where it lies
    assert (await stage.read(request)).document is not None


async def test_an_expired_url_is_asked_for_anew(stage: Stage) -> None:
    shop = await stage.shop()
    request = await located(stage, await shop.takes(files.picture(), "image/jpeg"), shop.token)
    over = (request.url or "").replace("ext=", "ext=1")  # a seal of another time: 404, as a URL that is over
    answer = await stage.read(request.model_copy(update={"url": over}))
    assert answer.document is not None


async def test_a_url_of_strangers_is_shown_no_token(stage: Stage) -> None:
    shop = await stage.shop()
    heard = asyncio.Event()

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        request = await shop.takes(files.picture(), "image/jpeg", url=f"http://127.0.0.1:{port}/file")
        answer = await stage.read(request)
    assert answer.document is not None
    assert not heard.is_set()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "http_status": 404, "count": 1},
        {"kind": "http", "http_status": 503, "count": 2},
        {"kind": "http", "http_status": 429, "count": 1},
        {"kind": "http", "http_status": 401, "count": 1},
        {"kind": "reset", "count": 2},
        {"kind": "truncated", "count": 1},
        {"kind": "other_bytes", "count": 1},
        {"kind": "more_bytes", "count": 1},
        {"kind": "slow", "seconds": 3},
        {"kind": "delay", "seconds": 30, "count": 1},
        {"kind": "http", "http_status": 500, "count": 1, "endpoint": "media_url"},
        {"kind": "error", "code": 131000, "count": 1, "endpoint": "media_url"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_what_passes_is_lived_through(stage: Stage, fault: dict[str, object]) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(1200, 900), "image/jpeg")
    await shop.fault(**fault)  # type: ignore[arg-type]
    answer = await stage.read(request)
    assert answer.document is not None, answer
    assert original(answer).sha256 == request.sha256


async def test_a_download_goes_on_where_it_broke_off(stage: Stage) -> None:
    shop = await stage.shop()
    data = files.picture(2500, 1800, form="PNG") + bytes(900_000)
    request = await shop.takes(data, "image/png")
    await shop.fault("truncated", count=1)
    before = await stage.metric("munshi_media_fetched_bytes_total")
    assert original(await stage.read(request)).size == len(data)
    assert await stage.metric("munshi_media_fetched_bytes_total") - before == len(data)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "http_status": 404},
        {"kind": "other_bytes"},
        {"kind": "error", "code": 100, "endpoint": "media_url"},
    ],
    ids=["404", "other-bytes", "no-such-id"],
)
async def test_what_meta_does_not_have_is_gone(stage: Stage, fault: dict[str, object]) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    await shop.fault(**fault)  # type: ignore[arg-type]
    answer = await stage.read(request)
    assert answer.refused is Refusal.GONE
    assert await shop.keys() == {key for key in await shop.keys() if key.startswith("inbound/")}


async def test_more_than_was_declared_is_cut_off_at_the_limit(stage: Stage) -> None:
    shop = await stage.shop(limits={"mediaMegabytes": 1})
    request = await shop.takes(files.picture(), "image/jpeg")
    await shop.fault("more_bytes", extra_bytes=50_000_000)
    before = await stage.metric("munshi_media_fetched_bytes_total")
    answer = await stage.read(request)
    assert answer.refused is Refusal.TOO_LARGE
    assert await stage.metric("munshi_media_fetched_bytes_total") == before


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "http", "http_status": 503}, "meta_away"),
        ({"kind": "reset", "endpoint": "media"}, "meta_away"),
        ({"kind": "truncated"}, "meta_away"),
        ({"kind": "error", "code": 190, "endpoint": "media"}, "credentials"),
    ],
    ids=["503", "reset", "truncated-each-time", "credentials"],
)
async def test_while_meta_is_away_the_file_is_asked_for_again(
    stage: Stage, fault: dict[str, object], reason: str
) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    await shop.fault(**fault)  # type: ignore[arg-type]
    answer, _ = await stage.ask(Verb.READ, request)
    assert isinstance(answer, MediaFailure), answer
    assert answer.reason == reason
    assert answer.retry_after > 0
    assert await shop.keys() == set()
    async with stage.emulator.client() as meta:
        await meta.clear_faults()
    assert (await stage.read_at_last(request)).document is not None


async def test_a_renewed_token_holds_in_the_middle_of_a_request(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    number = {
        "waba_id": "102290129340398",
        "display_phone_number": "+91 98200 00000",
        "verified_name": "Shop",
        "app_secret": "app-secret-for-tests",
    }
    async with stage.emulator.client() as meta:
        await meta.put_number(
            shop.number, access_tokens=[shop.token, "renewed"], expired_tokens=[shop.token], **number
        )
    answer, _ = await stage.ask(Verb.READ, request)
    assert isinstance(answer, MediaFailure)
    assert answer.reason == "credentials"
    name = shop.key.partition("_")[2]
    await stage.cells.put_tenant(
        tenant_document(name, "shops", shop.number), credentials(access_token="renewed")
    )
    assert (await stage.read_at_last(request)).document is not None


async def test_no_log_line_tells_a_secret(stage: Stage) -> None:
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    await shop.fault("http", http_status=503)
    await stage.ask(Verb.READ, request)
    assert stage.service is not None
    log = stage.service.log
    assert shop.token not in log
    assert request.media_id not in log
