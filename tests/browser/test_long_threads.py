"""Thousands of messages, and a stand-in that dies meanwhile."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from munshi_emulator.receiver import WebhookReceiver
from munshi_emulator.testing import EmulatorProcess

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from .conftest import Bot

SHOWN = """() => {
  const top = document.querySelector('.messages').getBoundingClientRect().top;
  const all = [...document.querySelectorAll('[data-wamid]')];
  const rows = all.map((row) => [row, row.getBoundingClientRect()]);
  const [row, place] = rows.find(([, place]) => place.bottom > top + 4);
  return [row.dataset.wamid, Math.round(place.top - top)];
}"""
WHERE = """([wamid]) => {
  const top = document.querySelector('.messages').getBoundingClientRect().top;
  const row = document.querySelector(`[data-wamid="${CSS.escape(wamid)}"]`);
  return row && Math.round(row.getBoundingClientRect().top - top);
}"""


async def test_5000_messages_without_a_jump(page: "Page", bot: "Bot") -> None:
    orders = [
        {"phone_number_id": bot.id, "person": "asha", "text": f"line {number} " + "word " * (number % 30)}
        for number in range(5000)
    ]
    await bot.control.send_many(orders)
    await bot.control.wait_delivered()
    await page.reload()
    await expect(page.locator(".bubble", has_text="line 4999")).to_be_visible()
    box = page.locator(".messages")
    for _ in range(40):
        await box.evaluate("box => { box.scrollTop -= 700; }")
        before = await page.evaluate(SHOWN)
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        after = await page.evaluate(WHERE, before)
        assert after is not None
        assert abs(after - before[1]) <= 1, "what is looked at moved"
    assert await page.locator(".bubble").count() <= 400
    held = await page.evaluate(SHOWN)
    for number in range(3):
        await bot.text("919812300001", f"news {number}")
    await expect(page.get_by_role("button", name="3 new messages, go to the end")).to_be_visible()
    assert abs(await page.evaluate(WHERE, held) - held[1]) <= 1
    await page.get_by_role("button", name="3 new messages, go to the end").click()
    await expect(page.locator(".bubble", has_text="news 2")).to_be_in_viewport()
    await bot.text("919812300001", "follows")
    await expect(page.locator(".bubble", has_text="follows")).to_be_in_viewport()


async def test_restart_and_resume(browser: "Browser", tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path, retry_first_seconds=0.05, retry_max_seconds=0.3)
    receiver = WebhookReceiver()
    await receiver.start()
    await emulator.start()
    try:
        async with emulator.client() as control:
            await control.put_number(
                "1", waba_id="2", display_phone_number="+91", verified_name="Shop", app_secret="s",
                access_tokens=["t"], webhook_url=receiver.url,
            )  # fmt: skip
        page = await browser.new_page(viewport={"width": 390, "height": 800})
        await page.goto(emulator.url)
        await page.get_by_role("button", name="Shop").click()
        box = page.get_by_role("textbox", name="Message to Shop")
        await box.fill("before")
        await box.press("Enter")
        await expect(page.get_by_role("img", name="Delivered to the shop")).to_have_count(1)
        emulator.kill()
        await expect(page.get_by_text("Waiting for the emulator…")).to_be_visible()
        await box.fill("meanwhile")
        await box.press("Enter")
        await expect(
            page.get_by_role("button", name="Not sent: The emulator does not answer. Try again")
        ).to_be_visible()
        await emulator.start()
        await expect(page.get_by_role("img", name="Delivered to the shop")).to_have_count(2)
        await expect(page.locator(".bubble")).to_have_count(2)
        assert [item["text"]["body"] for item in receiver.items("messages")] == ["before", "meanwhile"]
        await page.close()
    finally:
        await asyncio.to_thread(emulator.stop)
        await receiver.stop()
