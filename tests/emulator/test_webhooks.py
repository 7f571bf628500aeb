"""What comes in by webhook: every type, signatures, batches, repetitions, disorder."""

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Shop

TYPES: list[tuple[str, dict[str, Any]]] = [
    ("text", {"text": "नमस्ते 🙏"}),
    ("image", {"content": {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "bill"}}),
    ("audio", {"content": {"id": "1", "mime_type": "audio/ogg; codecs=opus", "voice": True}}),
    ("video", {"content": {"id": "1", "mime_type": "video/mp4"}}),
    ("document", {"content": {"id": "1", "filename": "a.pdf", "mime_type": "application/pdf"}}),
    ("sticker", {"content": {"id": "1", "animated": False}}),
    ("location", {"content": {"latitude": 1.5, "longitude": 2.5}}),
    ("contacts", {"content": [{"name": {"formatted_name": "A"}}]}),
    ("interactive", {"content": {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}}),
    ("button", {"content": {"payload": "p", "text": "Stop"}}),
    ("reaction", {"content": {"message_id": "wamid.x", "emoji": "👍"}}),
    ("order", {"content": {"catalog_id": "1", "product_items": []}}),
    (
        "edit",
        {"content": {"original_message_id": "wamid.x", "message": {"type": "text", "text": {"body": "y"}}}},
    ),
    ("revoke", {"content": {"original_message_id": "wamid.x"}}),
]


@pytest.mark.parametrize(("kind", "fields"), TYPES, ids=[kind for kind, _ in TYPES])
async def test_every_type(shop: "Shop", kind: str, fields: dict[str, Any]) -> None:
    wamid = await shop.control.send(phone_number_id=shop.id, person=shop.customer, type=kind, **fields)
    (message,) = await shop.receiver.wait_items("messages", 1)
    assert message["id"] == wamid
    assert message["type"] == kind
    assert message["from"] == shop.customer
    assert message[kind] == fields.get("content", {"body": fields.get("text")})
    assert not shop.receiver.unsigned("app-secret")


async def test_unsupported_carries_its_error(shop: "Shop") -> None:
    await shop.control.send(phone_number_id=shop.id, person=shop.customer, type="unsupported")
    (message,) = await shop.receiver.wait_items("messages", 1)
    assert message["errors"][0]["code"] == 131051


async def test_shape_of_the_envelope(shop: "Shop") -> None:
    await shop.control.put_person("asha", phone=shop.customer, name="Asha", username="asha.s")
    quoted = await shop.hello("first")
    await shop.hello("second", reply_to=quoted, extra={"unknown_member": 1})
    change = shop.receiver.posts[1].changes()[0]
    value = change["value"]
    assert change["field"] == "messages"
    assert value["messaging_product"] == "whatsapp"
    assert value["metadata"] == {"display_phone_number": "919820000000", "phone_number_id": shop.id}
    contact = value["contacts"][0]
    assert contact["profile"] == {"name": "Asha", "username": "asha.s"}
    assert contact["wa_id"] == shop.customer
    assert contact["user_id"].startswith("IN.")
    assert value["messages"][0]["context"] == {"from": "919820000000", "id": quoted}
    assert value["messages"][0]["unknown_member"] == 1


async def test_bodies_are_escaped_so_that_only_raw_bytes_verify(shop: "Shop") -> None:
    await shop.hello("नमस्ते")
    (post,) = shop.receiver.posts
    assert post.raw.isascii()
    assert json.dumps(json.loads(post.raw), ensure_ascii=False).encode() != post.raw
    assert not shop.receiver.unsigned("app-secret")


async def test_idempotency_key(shop: "Shop") -> None:
    first = await shop.hello(idempotency_key="k1")
    again = await shop.control.call(
        "POST",
        "/messages",
        {"phone_number_id": shop.id, "person": shop.customer, "text": "other", "idempotency_key": "k1"},
    )
    assert (again["wamid"], again["known"]) == (first, True)
    assert len(await shop.control.messages(phone_number_id=shop.id)) == 1


async def test_a_thousand_updates_in_one_post(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, linger_ms=400, batch_max=1000)
    orders = [{"phone_number_id": shop.id, "person": f"9198{n:08}", "text": f"m{n}"} for n in range(2500)]
    wamids = await shop.control.send_many(orders)
    messages = await shop.receiver.wait_items("messages", 2500)
    assert [message["id"] for message in messages] == wamids or set(wamids) == {m["id"] for m in messages}
    sizes = sorted(len(post.changes()[0]["value"]["messages"]) for post in shop.receiver.posts)
    assert sizes == [500, 1000, 1000]
    assert not shop.receiver.unsigned("app-secret")


async def test_no_post_is_larger_than_meta_allows(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, linger_ms=400, batch_max=1000)
    orders = [{"phone_number_id": shop.id, "person": shop.customer, "text": "x" * 4096} for _ in range(1000)]
    await shop.control.send_many(orders)
    await shop.receiver.wait_items("messages", 1000)
    sizes = [len(post.raw) for post in shop.receiver.posts]
    assert 1 < len(sizes) <= 3
    assert max(sizes) <= 3_000_000


async def test_several_numbers_share_a_post_when_they_share_a_secret(shop: "Shop") -> None:
    common = {"display_phone_number": "+1 555", "verified_name": "Other", "access_tokens": ["other"]}
    await shop.control.put_number(
        "811", waba_id="9", app_secret="app-secret", webhook_url=shop.receiver.url, **common
    )
    await shop.control.put_number(
        "812", waba_id="9", app_secret="another", webhook_url=shop.receiver.url, **common
    )
    try:
        await shop.control.delivery(linger_ms=300)
        orders = [
            {"phone_number_id": number, "person": shop.customer, "text": "x"}
            for number in (shop.id, "811", "812") * 3
        ]
        await shop.control.send_many(orders)
        await shop.receiver.wait_items("messages", 9)
        together = [post for post in shop.receiver.posts if shop.id.encode() in post.raw]
        numbers = {
            change["value"]["metadata"]["phone_number_id"] for post in together for change in post.changes()
        }
        assert "812" not in numbers
        assert all(post in shop.receiver.unsigned("another") for post in together)
        assert not [post for post in shop.receiver.unsigned("app-secret") if post in together]
    finally:
        for number in ("811", "812"):
            await shop.control.call("DELETE", f"/phone-numbers/{number}")


async def test_all_or_none_of_a_bulk(shop: "Shop") -> None:
    good = {"phone_number_id": shop.id, "person": shop.customer, "text": "x"}
    with pytest.raises(RuntimeError, match="404"):
        await shop.control.send_many([good, {**good, "phone_number_id": "1"}])
    with pytest.raises(RuntimeError, match="422"):
        await shop.control.send_many([good, {**good, "person": "nobody"}])
    assert await shop.control.messages(phone_number_id=shop.id) == []


async def test_permuted(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, linger_ms=200, permute=True, batch_max=20)
    orders = [{"phone_number_id": shop.id, "person": shop.customer, "text": f"{n}"} for n in range(100)]
    wamids = await shop.control.send_many(orders)
    messages = await shop.receiver.wait_items("messages", 100)
    came = [message["id"] for message in messages]
    assert came != wamids
    assert sorted(came) == sorted(wamids)


async def test_duplicated(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, duplicate=1)
    await shop.control.say(shop.id, shop.customer, "twice")
    first, second = await shop.receiver.wait_items("messages", 2)
    assert first == second


async def test_lost_ack_brings_it_again(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, lost_ack=1)
    await shop.control.say(shop.id, shop.customer, "again")
    await shop.receiver.wait_items("messages", 3)
    await shop.control.delivery(shop.id, lost_ack=0)
    await shop.control.wait_delivered()


async def test_late(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, late=1, late_seconds=0.5)
    wamid = await shop.hello("late")
    trace = await shop.control.trace(wamid)
    assert trace["webhooks"][0]["first_at"] - trace["message"]["accepted_at"] >= 0.5


async def test_paused_and_resumed(shop: "Shop") -> None:
    await shop.control.delivery(shop.id, paused=True)
    await shop.control.say(shop.id, shop.customer, "held")
    counts = await shop.control.counts()
    assert (counts["waiting"], shop.receiver.posts) == (1, [])
    await shop.control.delivery(shop.id, paused=False)
    await shop.receiver.wait_items("messages", 1)


async def test_signed_with_the_previous_and_with_a_wrong_secret(shop: "Shop") -> None:
    await shop.control.put_number(shop.id, app_secret_previous="old-secret")
    await shop.control.delivery(shop.id, sign="previous")
    await shop.hello()
    assert not shop.receiver.unsigned("old-secret")
    shop.receiver.posts.clear()
    await shop.control.delivery(shop.id, sign="wrong")
    await shop.hello()
    assert shop.receiver.unsigned("old-secret")
    assert shop.receiver.unsigned("app-secret")
    shop.receiver.posts.clear()
    await shop.control.delivery(shop.id, sign="none")
    await shop.hello()
    assert shop.receiver.posts[0].signed == ""


@pytest.mark.parametrize("status", [201, 302, 401, 404, 500, 503])
async def test_anything_but_200_is_repeated(shop: "Shop", status: int) -> None:
    shop.receiver.answer = lambda _post: 200 if len(shop.receiver.posts) >= 2 else status
    wamid = await shop.control.say(shop.id, shop.customer, "x")
    await shop.receiver.wait_items("messages", 3)
    await shop.control.wait_delivered()
    (update,) = await shop.control.updates(wamid=wamid)
    assert (update["state"], update["attempts"], update["last_code"]) == ("delivered", 3, 200)


async def test_given_up_after_seven_days(shop: "Shop") -> None:
    shop.receiver.answer = lambda _post: 503
    wamid = await shop.hello()
    await shop.control.advance_clock(7 * 86400 + 60)
    await shop.control.wait_delivered()
    (update,) = await shop.control.updates(wamid=wamid)
    assert update["state"] == "dropped"


async def test_other_fields_and_raw_bodies(shop: "Shop") -> None:
    await shop.control.post_field(shop.id, "account_update", {"event": "DISABLED_UPDATE"})
    await shop.receiver.wait(lambda: len(shop.receiver.posts) == 1)
    assert shop.receiver.posts[0].changes() == [
        {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}
    ]
    await shop.control.post_raw(shop.id, text="{not json")
    await shop.receiver.wait(lambda: len(shop.receiver.posts) == 2)
    assert shop.receiver.posts[1].raw == b"{not json"
    assert not shop.receiver.unsigned("app-secret")


async def test_handshake(shop: "Shop") -> None:
    assert (await shop.control.handshake(shop.id))["verified"]
    await shop.control.put_number(shop.id, verify_token="other")
    assert not (await shop.control.handshake(shop.id))["verified"]
