"""The messages endpoint: acceptance, ladder, prices, windows, limits, people."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from munshi_emulator.limits import PAIR_BURST, PAIR_INTERVAL

if TYPE_CHECKING:
    from .conftest import Shop

HOUR = 3600
STEPS = ("sent", "delivered", "read")
MARKETING = {"name": "sale", "language": "en", "category": "MARKETING", "body": "Sale for {{1}}"}


async def put_template(shop: "Shop", **fields: Any) -> None:
    await shop.control.call("PUT", f"/templates/{shop.waba}", fields)


def template(name: str, *values: str) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    return {
        "type": "template",
        "template": {
            "name": name,
            "language": {"code": "en"},
            "components": [{"type": "body", "parameters": parameters}],
        },
    }


async def refused(shop: "Shop", **body: Any) -> int:
    status, answer = await shop.post(**body)
    assert status >= 400, answer
    error = answer["error"]
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]
    assert error["error_data"]["messaging_product"] == "whatsapp"
    code: int = error["code"]
    return code


def in_order(statuses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Statuses as they follow one another; webhooks come in any order."""
    return sorted(statuses, key=lambda entry: STEPS.index(entry["status"]))


async def test_ladder_with_prices_and_callback_data(shop: "Shop") -> None:
    await shop.hello()
    wamid = await shop.text(biz_opaque_callback_data="outbox 7")
    statuses = in_order(await shop.receiver.wait_items("statuses", 3))
    assert [entry["status"] for entry in statuses] == list(STEPS)
    assert {entry["id"] for entry in statuses} == {wamid}
    assert {entry["biz_opaque_callback_data"] for entry in statuses} == {"outbox 7"}
    assert {entry["recipient_id"] for entry in statuses} == {shop.customer}
    free = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
    assert [entry.get("pricing") for entry in statuses] == [free, free, None]
    assert (await shop.control.wait_status(wamid, "read"))["callback"] == "outbox 7"
    found = await shop.control.messages(callback="outbox 7")
    assert [entry["wamid"] for entry in found] == [wamid]


async def test_delivered_may_be_left_out(shop: "Shop") -> None:
    await shop.control.knobs(skip_delivered=1)
    await shop.hello()
    await shop.text()
    statuses = in_order(await shop.receiver.wait_items("statuses", 2))
    assert [entry["status"] for entry in statuses] == ["sent", "read"]
    assert statuses[1]["pricing"]["category"] == "service"


async def test_a_late_status_never_moves_backwards(shop: "Shop") -> None:
    await shop.hello()
    wamid = await shop.text()
    await shop.control.wait_status(wamid, "read")
    await shop.receiver.wait_items("statuses", 3)
    await shop.control.post_status(wamid, "delivered", timestamp=1)
    statuses = await shop.receiver.wait_items("statuses", 4)
    assert statuses[3]["status"] == "delivered"
    assert statuses[3]["timestamp"] == "1"
    assert (await shop.control.trace(wamid))["message"]["status"] == "read"


async def test_window_closes_after_24_hours_and_opens_again(shop: "Shop") -> None:
    assert await refused(shop, type="text", text={"body": "cold"}) == 131047
    await shop.hello()
    await shop.text("warm")
    await shop.control.advance_clock(24 * HOUR - 60)
    await shop.text("still")
    await shop.control.advance_clock(120)
    assert await refused(shop, type="text", text={"body": "late"}) == 131047
    status, _ = await shop.post(
        type="template", template={"name": "hello_world", "language": {"code": "en_US"}}
    )
    assert status == 200
    await shop.hello("I am back")
    await shop.text("good")


async def test_closed_window_can_show_as_a_failed_status(shop: "Shop") -> None:
    await shop.control.knobs(refuse_in="status")
    wamid = await shop.text("cold")
    (status,) = await shop.receiver.wait_items("statuses", 1)
    assert (status["id"], status["status"]) == (wamid, "failed")
    assert status["recipient_id"] == shop.customer
    assert "recipient_user_id" not in status
    assert status["errors"][0]["code"] == 131047


async def test_ad_click_opens_72_free_hours_once_answered(shop: "Shop") -> None:
    await shop.hello(referral={"source_type": "ad", "source_id": "1", "source_url": "https://example.org/ad"})
    assert shop.receiver.items("messages")[0]["referral"]["source_id"] == "1"
    await shop.text("welcome")
    await shop.control.advance_clock(71 * HOUR)
    await shop.text("still free")
    statuses = await shop.receiver.wait_items("statuses", 6)
    assert {entry["pricing"]["type"] for entry in statuses if "pricing" in entry} == {"free_entry_point"}
    await shop.control.advance_clock(2 * HOUR)
    assert await refused(shop, type="text", text={"body": "over"}) == 131047


async def test_pair_limit_lets_45_through_and_one_more_each_six_seconds(shop: "Shop") -> None:
    await shop.hello()
    began = time.monotonic()

    async def until_refused() -> int:
        """How many texts were let through."""
        for sent in range(2 * PAIR_BURST):
            status, answer = await shop.post(type="text", text={"body": "x"})
            if status != 200:
                assert answer["error"]["code"] == 131056
                return sent
        raise AssertionError("there is no limit")

    def regained() -> int:
        """What came due in the time that this took; nothing, on a machine with nothing else to do."""
        return int((time.monotonic() - began) // PAIR_INTERVAL)

    first = await until_refused()
    assert PAIR_BURST <= first <= PAIR_BURST + regained()
    other = "919812345679"
    await shop.control.say(shop.id, other, "hi")
    await shop.text(to=other)
    await shop.control.advance_clock(PAIR_INTERVAL)
    more = await until_refused()
    assert more >= 1
    assert first + more <= PAIR_BURST + 1 + regained()


async def test_throughput_of_a_number(shop: "Shop") -> None:
    await shop.control.put_number(shop.id, throughput=5, pair_limit=False)
    await shop.hello()
    # All at once: one after the other they may be slower than the number.
    answers = await asyncio.gather(*(shop.post(type="text", text={"body": "x"}) for _ in range(40)))
    assert 429 in [status for status, _ in answers]
    assert (await shop.control.refusals())[0]["code"] == 130429


async def test_a_portfolio_writes_first_to_so_many_people_a_day(shop: "Shop") -> None:
    await shop.control.put_number(shop.id, portfolio=f"of-{shop.id}", messaging_limit=250, throughput=10_000)
    await put_template(shop, name="due", language="en", category="UTILITY", body="{{1}} is due")
    await shop.hello()
    first = [{**template("due", "₹500"), "to": f"9198330{n:05d}"} for n in range(251)]
    for body in first[:250]:
        assert (await shop.post(**body))[0] == 200
    assert await refused(shop, **first[250]) == 131048
    assert (await shop.post(**first[0]))[0] == 200, "one who was counted is not counted again"
    assert (await shop.post(**template("due", "₹500")))[0] == 200, "the window of this one is open"
    await shop.text("and so are answers")
    await shop.control.advance_clock(24 * HOUR)
    try:
        assert (await shop.post(**first[250]))[0] == 200
    finally:
        await shop.control.advance_clock(-24 * HOUR)


async def test_marketing_opt_out(shop: "Shop") -> None:
    await put_template(shop, **MARKETING)
    await put_template(shop, name="due", language="en", category="UTILITY", body="{{1}} is due")
    await shop.hello()
    await shop.control.set_marketing(shop.customer, shop.id, "stop")
    await shop.receiver.wait_items("user_preferences", 1)
    (preference,) = shop.receiver.items("user_preferences")
    assert (preference["category"], preference["value"]) == ("marketing_messages", "stop")
    assert preference["wa_id"] == shop.customer
    assert await refused(shop, **template("sale", "Asha")) == 131050
    assert (await shop.post(**template("due", "₹500")))[0] == 200
    await shop.control.set_marketing(shop.customer, shop.id, "resume")
    assert (await shop.post(**template("sale", "Asha")))[0] == 200


@pytest.mark.parametrize(
    ("made", "values", "code"),
    [
        ({}, ["Asha"], 200),
        ({}, [], 132000),
        ({"name": "other"}, ["Asha"], 132001),
        ({"status": "PENDING"}, ["Asha"], 132001),
        ({"status": "PAUSED"}, ["Asha"], 132015),
        ({"status": "DISABLED"}, ["Asha"], 132016),
        ({}, ["x" * 1025], 132005),
    ],
)
async def test_templates(shop: "Shop", made: dict[str, str], values: list[str], code: int) -> None:
    await put_template(shop, **{**MARKETING, **made})
    status, answer = await shop.post(**template("sale", *values))
    assert (status if status == 200 else answer["error"]["code"]) == code


async def test_paid_template_says_so(shop: "Shop") -> None:
    await put_template(shop, **MARKETING)
    await shop.post(**template("sale", "Asha"))
    statuses = await shop.receiver.wait_items("statuses", 1)
    assert statuses[0]["pricing"] == {
        "billable": True,
        "pricing_model": "PMP",
        "type": "regular",
        "category": "marketing",
    }


async def test_tokens(shop: "Shop") -> None:
    await shop.hello()
    body = {"messaging_product": "whatsapp", "to": shop.customer, "text": {"body": "x"}}
    status, answer = await shop.graph("POST", f"{shop.id}/messages", json=body, token="forged")
    assert (status, answer["error"]["code"]) == (401, 190)
    token = (await shop.control.call("GET", f"/phone-numbers/{shop.id}"))["access_tokens"][0]
    await shop.control.put_number(shop.id, expired_tokens=[token])
    status, answer = await shop.post(type="text", text={"body": "x"})
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (401, 190, 463)
    await shop.control.put_number(shop.id, expired_tokens=[])
    await shop.text()
    status, answer = await shop.graph("POST", "999/messages", json=body)
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_recipient_is_a_bsuid_and_a_bsuid_in_to_is_swallowed(shop: "Shop") -> None:
    person = await shop.control.put_person("asha", phone=shop.customer, name="Asha", phone_hidden=True)
    bsuid = person["bsuids"]["portfolio"]
    await shop.hello()
    (message,) = shop.receiver.items("messages")
    assert "from" not in message
    assert message["from_user_id"] == bsuid
    contact = {"profile": {"name": "Asha"}, "user_id": bsuid}
    assert shop.receiver.items("contacts") == [contact]
    wamid = await shop.text(recipient=bsuid)
    statuses = await shop.receiver.wait_items("statuses", 3)
    assert {entry["recipient_user_id"] for entry in statuses} == {bsuid}
    assert not any("recipient_id" in entry for entry in statuses)
    assert shop.receiver.items("contacts")[1:] == [contact] * 3
    lost = await shop.text(to=bsuid)
    both = await shop.text(to=shop.customer, recipient="IN.unknown")
    await shop.control.wait_status(both, "read")
    assert (await shop.control.trace(lost))["message"]["status"] == "dropped"
    assert {entry["id"] for entry in await shop.receiver.wait_items("statuses", 6)} == {wamid, both}


async def test_number_change_makes_a_new_bsuid_and_tells_the_shop(shop: "Shop") -> None:
    before = await shop.control.put_person("asha", phone=shop.customer, name="Asha")
    await shop.hello()
    after = await shop.control.change_number("asha", "919800000099")
    assert after["bsuids"] != before["bsuids"]
    _, system = await shop.receiver.wait_items("messages", 2)
    assert system["type"] == "system"
    assert system["from"] == shop.customer
    assert system["from_user_id"] == before["bsuids"]["portfolio"]
    assert system["system"]["type"] == "user_changed_number"
    assert system["system"]["wa_id"] == "919800000099"
    assert system["system"]["user_id"] == after["bsuids"]["portfolio"]
    changes = [change for post in shop.receiver.posts for change in post.changes()]
    told = next(change for change in changes if change["value"].get("messages") == [system])
    assert "contacts" not in told["value"]
    (link,) = await shop.receiver.wait_items("user_id_update", 1)
    assert link["user_id"] == {
        "previous": before["bsuids"]["portfolio"],
        "current": after["bsuids"]["portfolio"],
    }
    status, _ = await shop.post(recipient=after["bsuids"]["portfolio"], type="text", text={"body": "new"})
    assert status == 200
    await shop.control.knobs(statuses=True)
    status, answer = await shop.post(
        recipient=before["bsuids"]["portfolio"], type="text", text={"body": "old"}
    )
    assert status == 200
    failed = await shop.control.wait_status(answer["messages"][0]["id"], "failed")
    assert failed["error"][0]["code"] == 131026


async def test_number_change_of_a_person_who_hides_it(shop: "Shop") -> None:
    before = await shop.control.put_person("asha", phone=shop.customer, name="Asha", phone_hidden=True)
    await shop.hello()
    after = await shop.control.change_number("asha", "919800000098")
    _, system = await shop.receiver.wait_items("messages", 2)
    assert "from" not in system
    assert system["system"]["type"] == "user_changed_user_id"
    assert system["system"]["user_id"] == after["bsuids"]["portfolio"]
    assert before["bsuids"]["portfolio"] in system["system"]["body"]
    assert "919800000098" not in str(system)


async def test_read_marks_all_before_it(shop: "Shop") -> None:
    first = await shop.hello("one")
    second = await shop.hello("two")
    status, answer = await shop.post(status="read", message_id=second, typing_indicator={"type": "text"})
    assert (status, answer) == (200, {"success": True})
    for wamid in (first, second):
        assert (await shop.control.trace(wamid))["message"]["status"] == "read"
    assert await refused(shop, status="read", message_id="wamid.unknown") == 131009


async def test_failure_after_a_200(shop: "Shop") -> None:
    await shop.hello()
    await shop.control.fault("status", code=131026, count=1)
    wamid = await shop.text()
    (status,) = await shop.receiver.wait_items("statuses", 1)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131026)
    assert (await shop.control.trace(wamid))["message"]["status"] == "failed"
    await shop.text()
    await shop.receiver.wait_items("statuses", 4)


async def test_objects_of_the_account(shop: "Shop") -> None:
    status, number = await shop.graph("GET", f"{shop.id}?fields=verified_name,quality_rating")
    assert status == 200
    assert number == {"id": shop.id, "verified_name": "Sharma Kirana Store", "quality_rating": "GREEN"}
    _, listed = await shop.graph("GET", f"{shop.waba}/phone_numbers")
    assert [entry["id"] for entry in listed["data"]] == [shop.id]
    _, templates = await shop.graph("GET", f"{shop.waba}/message_templates")
    assert [entry["name"] for entry in templates["data"]] == ["hello_world"]
    _, apps = await shop.graph("GET", f"{shop.waba}/subscribed_apps")
    assert apps["data"][0]["whatsapp_business_api_data"]["id"] == shop.waba
    status, answer = await shop.graph("GET", "12345")
    assert (status, answer["error"]["error_subcode"]) == (400, 33)


async def test_callback_is_overridden_only_after_a_handshake(shop: "Shop") -> None:
    wrong = {"override_callback_uri": shop.receiver.url, "verify_token": "guess"}
    status, answer = await shop.graph("POST", f"{shop.waba}/subscribed_apps", json=wrong)
    assert (status, answer["error"]["code"]) == (400, 2200)
    right = {"override_callback_uri": shop.receiver.url, "verify_token": "verify"}
    status, answer = await shop.graph("POST", f"{shop.waba}/subscribed_apps", json=right)
    assert (status, answer) == (200, {"success": True})
