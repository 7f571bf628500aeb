"""The Graph API failing to order."""

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from munshi_emulator.errors import CLASSES

if TYPE_CHECKING:
    from munshi_emulator.receiver import Post

    from .conftest import Shop


def text(shop: "Shop", callback: str) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "to": shop.customer,
        "type": "text",
        "text": {"body": "x"},
        "biz_opaque_callback_data": callback,
    }


@pytest.mark.parametrize(("name", "codes"), list(CLASSES.items()))
async def test_each_class_of_error(shop: "Shop", name: str, codes: tuple[int, ...]) -> None:
    await shop.hello()
    await shop.control.fault("error", error_class=name, count=1)
    status, answer = await shop.post(type="text", text={"body": "x"})
    assert status >= 400
    assert answer["error"]["code"] == codes[0]
    await shop.text()


async def test_rules_match_by_recipient_type_and_count(shop: "Shop") -> None:
    await shop.hello()
    await shop.control.say(shop.id, "919812345679", "hi")
    await shop.control.fault("error", code=131026, recipient=shop.customer)
    await shop.control.fault("error", code=131000, type="read", count=2)
    assert (await shop.post(type="text", text={"body": "x"}))[1]["error"]["code"] == 131026
    await shop.text(to="919812345679")
    wamid = (await shop.control.messages(direction="in", phone_number_id=shop.id))[0]["wamid"]
    codes = [(await shop.post(status="read", message_id=wamid))[0] for _ in range(3)]
    assert codes == [500, 500, 200]


@pytest.mark.parametrize("kind", ["lose_answer", "timeout"])
async def test_lost_answer_leaves_the_message_and_its_callback_data(shop: "Shop", kind: str) -> None:
    await shop.hello()
    await shop.control.fault(kind, count=1)
    asking = asyncio.create_task(shop.graph("POST", f"{shop.id}/messages", json=text(shop, kind)))
    statuses = await shop.receiver.wait_items("statuses", 3)
    if kind == "timeout":
        assert not asking.done()
        asking.cancel()
    with pytest.raises((aiohttp.ClientConnectionError, asyncio.CancelledError)):
        await asking
    assert {entry["biz_opaque_callback_data"] for entry in statuses} == {kind}
    assert len(await shop.control.messages(callback=kind)) == 1


async def test_reset_takes_nothing(shop: "Shop") -> None:
    await shop.hello()
    await shop.control.fault("reset", count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await shop.graph("POST", f"{shop.id}/messages", json=text(shop, "reset"))
    assert await shop.control.messages(callback="reset") == []
    await shop.text()


async def test_plain_http_error_and_delay(shop: "Shop") -> None:
    await shop.hello()
    await shop.control.fault("http", http_status=502, count=1)
    async with shop.http.post(
        f"{shop.emulator.url}/v25.0/{shop.id}/messages",
        json=text(shop, "a"),
        headers={"Authorization": "Bearer token-of-the-shop"},
    ) as answer:
        assert answer.status == 502
        assert answer.content_type == "text/plain"
    await shop.control.fault("delay", seconds=0.3, count=1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await shop.text()
    assert loop.time() - started >= 0.3


async def test_a_rule_without_a_code_is_refused(shop: "Shop") -> None:
    with pytest.raises(RuntimeError, match="422"):
        await shop.control.fault("error")
    with pytest.raises(RuntimeError, match="422"):
        await shop.control.fault("error", error_class="bad luck")


async def test_refused_calls_are_kept_with_request_and_answer(shop: "Shop") -> None:
    await shop.post(type="text", text={"body": "cold"})
    (refusal,) = await shop.control.refusals()
    assert (refusal["number"], refusal["code"]) == (shop.id, 131047)
    assert '"cold"' in refusal["request"]
    assert "131047" in refusal["answer"]


async def test_garbage_gets_an_answer_in_metas_shape(shop: "Shop") -> None:
    for data in (b"", b"{", b"[]", b'"x"', b"\xff\xfe"):
        status, answer = await shop.graph("POST", f"{shop.id}/messages", data=data)
        assert (status, answer["error"]["code"]) == (400, 100)


async def test_pages_of_other_sites_cannot_turn_the_rig(shop: "Shop") -> None:
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        headers = {"Sec-Fetch-Site": site}
        async with shop.http.delete(f"{shop.emulator.url}/control/faults", headers=headers) as answer:
            assert answer.status == status


async def test_a_mistyped_path_is_not_found(shop: "Shop") -> None:
    for path in ("/control/nothing", "/graph/1/messages", "/25.0/1"):
        async with shop.http.get(shop.emulator.url + path) as answer:
            assert answer.status in {404, 405}


async def test_what_is_in_flight_at_a_reset_is_forgotten(shop: "Shop") -> None:
    shop.receiver.answer = lambda _post: 503
    await shop.hello()
    await shop.control.reset()
    wamid = await shop.hello("after")
    # A try that was on its way at the reset may have come since: it is looked for among what is taken.
    taken: list[str] = []

    def take(post: "Post") -> int:
        taken.extend(item["id"] for change in post.changes() for item in change["value"].get("messages", []))
        return 200

    shop.receiver.answer = take
    await shop.control.wait_delivered()
    assert taken == [wamid]
