"""One sits before the phone and talks with a shop."""

import asyncio
import re
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from .conftest import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

    from .conftest import Bot

Json = dict[str, Any]

WATCH_FLASHES = """() => {
  window.flashed = [];
  new MutationObserver((changes) => {
    for (const { target } of changes)
      if (target.matches(".flash") && target.checkVisibility() && target.offsetHeight)
        window.flashed.push(target.innerText);
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["class"] });
}"""
"""Notes what flashes: it does so for a moment only, which a look from outside may miss."""


async def say(page: "Page", text: str) -> None:
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    await box.fill(text)
    await box.press("Enter")


def bubble(page: "Page", text: str) -> "Locator":
    return page.locator(".bubble", has_text=text).last


async def ledger(bot: "Bot", message: Json) -> None:
    """Answers as the shop's script says."""
    text = message.get("text", {}).get("body", "")
    reply = {"message_id": message["id"]}
    await bot.typing(message)
    if message["type"] == "interactive":
        title = message["interactive"]["button_reply"]["title"]
        await bot.text(message["from"], f"Likha: {title}", message["id"])
    elif "60000" in text:
        yes_no = [{"type": "reply", "reply": {"id": key, "title": key}} for key in ("Haan", "Nahi")]
        question = {"type": "button", "body": {"text": "₹60,000 udhaar?"}, "action": {"buttons": yes_no}}
        await bot.post(to=message["from"], type="interactive", context=reply, interactive=question)
    else:
        await bot.text(message["from"], f"Likh liya: *{text}*", message["id"])


async def test_the_ledger_dialogue(page: "Page", bot: "Bot") -> None:
    gate = asyncio.Event()

    async def slow(shop: "Bot", message: Json) -> None:
        await shop.typing(message)
        await gate.wait()
        await ledger(shop, message)

    bot.script = slow
    await page.get_by_role("button", name="Ramesh ko 500 ka maal udhaar diya").click()
    mine = bubble(page, "Ramesh ko 500")
    await expect(page.locator(".dots")).to_be_visible()
    await expect(mine.get_by_role("img", name="Read by the shop")).to_be_visible()
    gate.set()
    answer = bubble(page, "Likh liya: Ramesh ko 500")
    await expect(answer).to_be_visible()
    await expect(page.locator(".dots")).to_have_count(0)
    await expect(answer.locator("strong")).to_have_text("Ramesh ko 500 ka maal udhaar diya")
    await expect(answer.get_by_role("img", name="Read")).to_be_visible()
    await expect(page.get_by_role("status").first).to_contain_text("Likh liya")

    bot.script = ledger
    await say(page, "60000 udhaar Ramesh")
    await page.get_by_role("button", name="Haan").click()
    await expect(bubble(page, "Likha: Haan")).to_be_visible()

    await page.evaluate(WATCH_FLASHES)
    await answer.locator(".quote").click()
    await page.wait_for_function("window.flashed.some((text) => text.includes('Ramesh ko 500'))")

    before = await page.locator(".bubble .text").all_inner_texts()
    await page.reload()
    await expect(bubble(page, "Likha: Haan")).to_be_visible()
    assert await page.locator(".bubble .text").all_inner_texts() == before
    await expect(page.get_by_role("button", name="Nahi")).to_be_disabled()
    assert len(bot.receiver.items("messages")) == 3
    assert not bot.receiver.unsigned("secret")


async def test_at_a_desk_one_types_on_after_a_press(browser: "Browser", bot: "Bot") -> None:
    bot.script = ledger
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(bot.emulator.url)
    await page.get_by_role("button", name=bot.name).click()
    await bot.seen_by(page)
    await say(page, "60000 udhaar Ramesh")
    await page.get_by_role("button", name="Haan").click()
    await expect(bubble(page, "Likha: Haan")).to_be_visible()
    await expect(page.get_by_role("textbox", name=re.compile("^Message to"))).to_be_focused()
    await context.close()


async def test_the_inside_of_a_message(page: "Page", bot: "Bot") -> None:
    bot.script = ledger
    await say(page, "Sita 200")
    await expect(bubble(page, "Likh liya: Sita 200")).to_be_visible()
    await page.locator(".bubble.own", has_text="Sita 200").click(button="right")
    await page.get_by_role("menuitem", name="Show what is behind").click()
    panel = page.get_by_role("complementary", name="Behind the scenes")
    await expect(panel.locator("pre").first).to_contain_text('"whatsapp_business_account"')
    await expect(panel.locator('[data-fact="webhook"]')).to_have_text(re.compile(r"^[\d.]+ m?s$"))
    await expect(panel.locator('[data-fact="reply"]')).to_have_text(re.compile(r"^[\d.]+ m?s$"))
    await panel.get_by_role("tab", name="Customer").click()
    await expect(panel.locator('[data-fact="bsuid"]')).to_have_text(re.compile(r"^IN\.\d+$"))
    await panel.get_by_role("button", name="Close the panel").click()
    await page.locator(".bubble.theirs").last.click(button="right")
    await page.get_by_role("menuitem", name="React 👍").click()
    await expect(page.locator(".reaction")).to_have_text("👍")
    reaction = (await bot.receiver.wait_items("messages", 2))[1]
    assert (reaction["type"], reaction["reaction"]["emoji"]) == ("reaction", "👍")


async def test_faults_by_the_switch(page: "Page", bot: "Bot") -> None:
    await bot.control.say(bot.id, "asha", "hello")
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_role("tab", name="Faults").click()
    await page.get_by_label("Fails afterwards").check()
    await expect(page.get_by_label("Fails afterwards")).to_be_checked()
    await page.get_by_role("button", name="Close the panel").click()
    await bot.text("919812300001", "will not arrive")
    await expect(
        page.get_by_role("button", name="Never arrived: Message undeliverable (131026)")
    ).to_be_visible()
    await page.get_by_role("button", name="Behind the scenes").click()
    await page.get_by_label("Wrong signature").check()
    await expect(page.get_by_label("Wrong signature")).to_be_checked()
    await page.get_by_role("button", name="Switch all of it off").click()
    await expect(page.get_by_label("Fails afterwards")).not_to_be_checked()
    assert await bot.control.call("GET", "/faults") == []


async def test_buttons_and_lists_by_touch_and_keyboard(page: "Page", bot: "Bot") -> None:
    async def ask(shop: "Bot", message: Json) -> None:
        if message["type"] != "text":
            return
        buttons = [
            {"type": "reply", "reply": {"id": key, "title": key}} for key in ("Haan", "Nahi", "Baad mein")
        ]
        rows = [{"id": f"r{n}", "title": f"Row {n}", "description": f"About {n}"} for n in range(4)]
        await shop.post(
            to=message["from"],
            type="interactive",
            interactive={"type": "button", "body": {"text": "Sahi hai?"}, "action": {"buttons": buttons}},
        )
        action = {"button": "Choose", "sections": [{"title": "All", "rows": rows}]}
        await shop.post(
            to=message["from"],
            type="interactive",
            interactive={"type": "list", "body": {"text": "Which one?"}, "action": action},
        )

    bot.script = ask
    await say(page, "ask me")
    yes = page.get_by_role("button", name="Haan")
    await yes.wait_for()
    await yes.evaluate("button => { button.click(); button.click(); }")
    await expect(yes).to_be_disabled()
    await expect(page.get_by_role("button", name="Baad mein")).to_be_disabled()
    # Webhooks that are under way together may arrive in any order.
    await bot.receiver.wait_items("messages", 2)

    opener = page.get_by_role("button", name="Choose")
    await opener.tap()
    sheet = page.get_by_role("dialog", name="Choose")
    await expect(sheet.get_by_role("radio").first).to_be_focused()
    for _ in range(6):
        await page.keyboard.press("Tab")
        assert await sheet.evaluate("sheet => sheet.contains(document.activeElement)")
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(opener).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(sheet.get_by_role("radio").first).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(sheet).to_have_count(0)
    await expect(opener).to_be_disabled()

    messages = await bot.receiver.wait_items("messages", 3)
    await bot.control.wait_delivered()
    assert len(bot.receiver.items("messages")) == 3
    assert messages[1]["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": "Haan", "title": "Haan"},
    }
    row = {"id": "r1", "title": "Row 1", "description": "About 1"}
    assert messages[2]["interactive"] == {"type": "list_reply", "list_reply": row}
    assert messages[2]["context"]["id"]


async def test_menu_by_keyboard_and_edit_and_delete(page: "Page", bot: "Bot") -> None:
    await say(page, "Ramesh 500")
    await expect(bubble(page, "Ramesh 500").get_by_role("img", name="Delivered to the shop")).to_be_visible()
    await page.get_by_role("log").focus()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".bubble").last).to_be_focused()
    await page.keyboard.press("Shift+F10")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu", name="Message")).to_have_count(0)
    await page.keyboard.press("Shift+F10")
    await page.get_by_role("menuitem", name="Edit").click()
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    await expect(box).to_have_value("Ramesh 500")
    await box.fill("Ramesh 600")
    await box.press("Enter")
    await expect(bubble(page, "Ramesh 600")).to_contain_text("edited")
    # Webhooks that are under way together may arrive in any order.
    await bot.receiver.wait_items("messages", 2)
    await bubble(page, "Ramesh 600").click(button="right")
    await page.get_by_role("menuitem", name="Delete for everyone").click()
    await expect(page.locator(".bubble")).to_contain_text("This message was deleted")
    kinds = [message["type"] for message in await bot.receiver.wait_items("messages", 3)]
    assert kinds == ["text", "edit", "revoke"]
