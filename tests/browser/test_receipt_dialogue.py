"""The whole of it on the page: a receipt is dropped, shown, booked by a button, and in the day's total."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import pytest
from playwright.async_api import Page, async_playwright, expect

from rig.clocks import INDIA, no_midnight_soon
from rig.platform import EXAMPLES, PlatformRig, platform_in
from rig.receipts import GUPTA, receipt

from .conftest import CHROMIUM, FLAGS
from .test_files import drop

SHARMA = "106540352242922"
READ_MS = 60_000
"""The first picture waits until the reader is loaded, on a machine that may be busy."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformRig]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with platform_in(tmp_path_factory.mktemp("receipts") / "data") as rig:
        yield rig.up("--tenants", str(EXAMPLES), "--no-triton")


@pytest.fixture
async def phone(platform: PlatformRig) -> AsyncIterator[Page]:
    """The page at a phone's width, at Sharma's chat."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{platform.emulator}/#/chat/{SHARMA}")
        yield page
        await browser.close()
        assert errors == []


async def test_a_dropped_receipt_is_booked_by_a_button_and_counted(phone: Page) -> None:
    await no_midnight_soon()
    box = phone.get_by_role("textbox", name="Message to Sharma Kirana Store")
    await box.fill("hello, what can you do for me?")
    await box.press("Enter")
    await expect(phone.locator(".bubble.theirs")).to_have_count(1)

    day = datetime.now(INDIA).strftime("%d/%m/%Y")
    await drop(phone, "bill.jpg", "image/jpeg", receipt([line.format(date=day) for line in GUPTA]))
    await phone.get_by_role("button", name="Send", exact=True).click()
    asked = phone.locator(".bubble.theirs", has_text="GUPTA TRADERS")
    await expect(asked).to_contain_text("Total: ₹640", timeout=READ_MS)
    for part in ("GT-1743", "27AAPFU0939F1ZV", "shall I note it?"):
        await expect(asked).to_contain_text(part)
    choices = phone.get_by_role("group", name="Answers").get_by_role("button")
    assert await choices.all_inner_texts() == ["Yes, note it", "Change", "No"]
    await choices.first.click()
    await expect(phone.locator(".bubble.theirs", has_text="Noted")).to_be_visible()

    await box.fill("today's total")
    await box.press("Enter")
    await expect(phone.locator(".bubble.theirs", has_text="₹640 (1)")).to_be_visible()

    await box.fill("reply by voice")
    await box.press("Enter")
    player = phone.locator(".bubble.theirs .voice")
    await expect(player).to_be_visible()
    await phone.wait_for_function("document.querySelector('.theirs .voice audio').duration > 1")
    await player.get_by_role("button", name="Play").click()
    await phone.wait_for_function("document.querySelector('.theirs .voice audio').currentTime > 0.2")
