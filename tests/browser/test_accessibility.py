"""The page by axe-core's rules: no serious and no critical violation, on a phone and on a desk."""

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from .conftest import PATIENCE_MS, Bot

if TYPE_CHECKING:
    from .conftest import Json

SIZES = {"phone": {"width": 390, "height": 800}, "desk": {"width": 1280, "height": 800}}
SEVERE = {"serious", "critical"}


async def no_violation(page: Page, where: str) -> None:
    """Fails with what axe-core found, and on which elements."""
    found = await Axe().run(page)
    severe = [
        f"{where}: {rule['id']} ({rule['impact']}): {rule['help']}\n    "
        + "\n    ".join(f"{node['html'][:160]}: {node['failureSummary']}" for node in rule["nodes"])
        for rule in found.response["violations"]
        if rule["impact"] in SEVERE
    ]
    assert severe == [], "\n".join(severe)


async def shop(bot: Bot, message: "Json") -> None:
    """Answers with everything that the page can show: text, buttons, a list."""
    to = message["from"]
    await bot.text(to, "Theek hai: ₹500 udhaar, *Ramesh*", reply_to=message["id"])
    await bot.post(
        to=to,
        type="interactive",
        interactive={
            "type": "button",
            "body": {"text": "Likh doon?"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "yes", "title": "Haan"}},
                    {"type": "reply", "reply": {"id": "no", "title": "Nahi"}},
                ]
            },
        },
    )
    await bot.post(
        to=to,
        type="interactive",
        interactive={
            "type": "list",
            "body": {"text": "Kaun sa Ramesh?"},
            "action": {
                "button": "Choose",
                "sections": [{"title": "Names", "rows": [{"id": "1", "title": "Ramesh Kumar"}]}],
            },
        },
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_no_severe_violation_anywhere_on_the_page(
    browser: Browser, bot: Bot, size: str, scheme: str
) -> None:
    bot.script = shop
    context = await browser.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type] # a mapping, where playwright names its own type
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(bot.emulator.url)
    await page.get_by_role("button", name=bot.name).wait_for()
    await no_violation(page, "the list of chats")
    await page.get_by_role("button", name=bot.name).click()
    await bot.seen_by(page)
    await no_violation(page, "an empty chat")
    box = page.get_by_role("textbox", name=re.compile("^Message to"))
    await box.fill("Ramesh ko 500 udhaar diya")
    await box.press("Enter")
    await expect(page.locator(".bubble")).to_have_count(4)
    await no_violation(page, "a chat with buttons and a list")
    await page.get_by_role("button", name="Choose").click()
    await page.get_by_role("dialog").wait_for()
    await no_violation(page, "an open list")
    await page.keyboard.press("Escape")
    await page.locator(".bubble.own").click(button="right")
    await page.get_by_role("menu").wait_for()
    await no_violation(page, "the menu of a message")
    await page.get_by_role("menuitem", name="Show what is behind").click()
    panel = page.get_by_role("complementary", name="Behind the scenes")
    await panel.locator("pre").first.wait_for()
    for tab in ("Messages", "Faults", "Customer"):
        await panel.get_by_role("tab", name=tab).click()
        await no_violation(page, f"the panel, {tab}")
    await context.close()


async def test_the_check_finds_a_violation_that_is_there(page: Page) -> None:
    await page.locator(".composer textarea").evaluate(
        "box => { box.removeAttribute('aria-label'); box.removeAttribute('placeholder'); }"
    )
    with pytest.raises(AssertionError, match="label"):
        await no_violation(page, "a field without a name")
