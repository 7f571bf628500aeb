"""Media: upload rules, URLs that end, ids that end, a customer's files."""

import hashlib
import io
from typing import TYPE_CHECKING

import aiohttp
import pytest

if TYPE_CHECKING:
    from .conftest import Shop

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
VOICE = b"OggS\0\x02" + bytes(22) + b"OpusHead" + bytes(100)


def form(data: bytes, mime: str, filename: str = "file", declared: str | None = None) -> aiohttp.FormData:
    fields = aiohttp.FormData()
    fields.add_field("messaging_product", "whatsapp")
    fields.add_field("type", declared or mime)
    fields.add_field("file", io.BytesIO(data), content_type=mime, filename=filename)
    return fields


async def fetch(shop: "Shop", url: str, token: str | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token or 'token-of-the-shop'}"}
    async with shop.http.get(url, headers=headers) as answer:
        return answer.status, await answer.read()


async def upload(shop: "Shop", data: bytes, mime: str) -> str:
    status, answer = await shop.graph("POST", f"{shop.id}/media", data=form(data, mime))
    assert status == 200, answer
    media_id: str = answer["id"]
    return media_id


async def test_upload_look_up_fetch_send_delete(shop: "Shop") -> None:
    await shop.hello()
    media_id = await upload(shop, PNG, "image/png")
    _, found = await shop.graph("GET", media_id)
    assert found["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (found["mime_type"], found["file_size"]) == ("image/png", len(PNG))
    assert await fetch(shop, found["url"]) == (200, PNG)
    assert (await shop.post(type="image", image={"id": media_id}))[0] == 200
    assert (await shop.post(type="video", video={"id": media_id}))[1]["error"]["code"] == 131053
    assert (await shop.graph("DELETE", media_id))[1] == {"success": True}
    assert (await shop.graph("GET", media_id))[1]["error"]["error_subcode"] == 33
    assert (await shop.post(type="image", image={"id": media_id}))[1]["error"]["code"] == 100
    assert (await fetch(shop, found["url"]))[0] == 404


async def test_url_lives_five_minutes_and_needs_the_token(shop: "Shop") -> None:
    media_id = await upload(shop, PNG, "image/png")
    _, found = await shop.graph("GET", media_id)
    assert (await fetch(shop, found["url"], "forged"))[0] == 401
    assert (await fetch(shop, found["url"].replace("hash=", "hash=0")))[0] == 404
    await shop.control.advance_clock(301)
    assert (await fetch(shop, found["url"]))[0] == 404
    _, again = await shop.graph("GET", media_id)
    assert (await fetch(shop, again["url"]))[0] == 200


@pytest.mark.parametrize(
    ("data", "mime", "declared"),
    [
        (PNG, "image/gif", None),
        (b"GIF89a" + bytes(50), "image/png", None),
        (PNG, "image/png", "image/jpeg"),
        (b"", "image/png", None),
        (PNG + bytes(5 * 1024 * 1024), "image/png", None),
    ],
    ids=["type", "bytes", "two types", "empty", "size"],
)
async def test_refused_uploads(shop: "Shop", data: bytes, mime: str, declared: str | None) -> None:
    status, answer = await shop.graph("POST", f"{shop.id}/media", data=form(data, mime, declared=declared))
    assert (status, answer["error"]["code"]) == (400, 131053)


async def test_voice_note_must_be_opus(shop: "Shop") -> None:
    await shop.hello()
    good = await upload(shop, VOICE, "audio/ogg")
    other = await upload(shop, b"ID3" + bytes(100), "audio/mpeg")
    status, answer = await shop.post(type="audio", audio={"id": good, "voice": True})
    assert status == 200
    await shop.control.wait_status(answer["messages"][0]["id"], "played")
    assert (await shop.post(type="audio", audio={"id": other, "voice": True}))[1]["error"]["code"] == 131053
    assert (await shop.post(type="audio", audio={"id": other}))[0] == 200


async def test_customers_file_reaches_the_shop_for_seven_days(shop: "Shop") -> None:
    fields = aiohttp.FormData()
    fields.add_field("phone_number_id", shop.id)
    fields.add_field("kind", "image")
    fields.add_field("file", io.BytesIO(PNG), content_type="image/png", filename="bill.png")
    async with shop.http.post(f"{shop.emulator.url}/control/media", data=fields) as answer:
        kept = await answer.json()
    content = {"id": kept["id"], "mime_type": kept["mime_type"], "sha256": kept["sha256"]}
    await shop.control.send(phone_number_id=shop.id, person=shop.customer, type="image", content=content)
    (message,) = await shop.receiver.wait_items("messages", 1)
    _, found = await shop.graph("GET", message["image"]["id"])
    assert await fetch(shop, found["url"]) == (200, PNG)
    assert (await shop.post(type="image", image={"id": kept["id"]}))[1]["error"]["code"] == 100
    await shop.control.advance_clock(7 * 86400 + 1)
    assert (await shop.graph("GET", kept["id"]))[0] == 400


async def test_customers_photo_that_is_too_large(shop: "Shop") -> None:
    fields = aiohttp.FormData()
    fields.add_field("phone_number_id", shop.id)
    fields.add_field("kind", "image")
    fields.add_field(
        "file", io.BytesIO(PNG + bytes(5 * 1024 * 1024)), content_type="image/png", filename="bill.png"
    )
    async with shop.http.post(f"{shop.emulator.url}/control/media", data=fields) as answer:
        assert answer.status == 413


async def test_foreign_media_is_not_there(shop: "Shop") -> None:
    media_id = await upload(shop, PNG, "image/png")
    await shop.control.put_number(
        "777",
        waba_id="778",
        display_phone_number="+1",
        verified_name="Other",
        app_secret="x",
        access_tokens=["other"],
    )
    try:
        status, answer = await shop.graph("GET", media_id, token="other")
        assert (status, answer["error"]["error_subcode"]) == (400, 33)
    finally:
        await shop.control.call("DELETE", "/phone-numbers/777")


async def test_a_file_that_is_a_page_is_not_run_by_the_browser(shop: "Shop") -> None:
    fields = aiohttp.FormData()
    fields.add_field("phone_number_id", shop.id)
    fields.add_field("file", io.BytesIO(b"<script>1</script>"), content_type="text/html", filename="a.html")
    async with shop.http.post(f"{shop.emulator.url}/control/media", data=fields) as answer:
        kept = await answer.json()
    async with shop.http.get(f"{shop.emulator.url}/control/media/{kept['id']}") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("truncated", {}), ("other_bytes", {}), ("more_bytes", {"extra_bytes": 10}), ("slow", {"seconds": 0.2})],
)
async def test_a_file_comes_as_a_fault_wants_it_once(
    shop: "Shop", kind: str, fields: dict[str, float]
) -> None:
    media_id = await upload(shop, PNG, "image/png")
    _, found = await shop.graph("GET", media_id)
    await shop.control.fault(kind, endpoint="media_bytes", phone_number_id=shop.id, count=1, **fields)
    if kind == "truncated":
        with pytest.raises(aiohttp.ClientError):
            await fetch(shop, found["url"])
    else:
        status, data = await fetch(shop, found["url"])
        assert status == 200
        expected = {"slow": PNG, "more_bytes": PNG + bytes(10), "other_bytes": PNG[:-1] + b"\xff"}
        assert data == expected[kind]
    assert await fetch(shop, found["url"]) == (200, PNG)


async def test_the_question_where_a_file_lies_can_fail_alone(shop: "Shop") -> None:
    media_id = await upload(shop, PNG, "image/png")
    _, found = await shop.graph("GET", media_id)
    await shop.control.fault("error", code=190, endpoint="media_url", phone_number_id=shop.id, count=1)
    assert await fetch(shop, found["url"]) == (200, PNG)
    assert (await shop.graph("GET", media_id))[1]["error"]["code"] == 190
    assert (await shop.graph("GET", media_id))[0] == 200
