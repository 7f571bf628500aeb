"""What reaches the page in another order than it happened in: two streams and a busy machine do that."""

import asyncio
import re
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from .conftest import Bot

CUSTOMER = "919812300001"

LATE_SIGNALS = """
  window.late = 0;
  window.EventSource = class extends EventSource {
    addEventListener(type, listener) {
      super.addEventListener(type, type === "signal" ? (event) => this.keep(event, listener) : listener);
      if (type === "signal") super.addEventListener("messages", (event) => this.release(event));
    }
    keep(event, listener) { (this.held ??= []).push(() => listener(event)); }
    release(event) {
      if (!JSON.parse(event.data).some((message) => message.direction === "out")) return;
      for (const tell of (this.held ?? []).splice(0)) { window.late += 1; tell(); }
    }
  };
"""
"""Holds each fleeting event back until the page has a message of the shop."""


async def test_dots_that_come_after_the_answer_do_not_stay(page: "Page", bot: "Bot") -> None:
    await page.add_init_script(LATE_SIGNALS)
    await page.reload()
    await bot.seen_by(page)
    await bot.control.say(bot.id, "asha", "Sita 200")
    (message,) = await bot.receiver.wait_items("messages", 1)
    await bot.typing(message)
    await bot.text(CUSTOMER, "Likh liya")
    await expect(page.locator(".bubble", has_text="Likh liya")).to_be_visible()
    await page.wait_for_function("window.late === 1")
    await expect(page.locator(".dots")).to_have_count(0)


async def test_dots_stay_while_an_earlier_answer_is_read(page: "Page", bot: "Bot") -> None:
    await bot.control.say(bot.id, "asha", "Sita 200")
    (message,) = await bot.receiver.wait_items("messages", 1)
    await bot.text(CUSTOMER, "Ek minute")
    await bot.typing(message)
    answer = page.locator(".bubble", has_text="Ek minute")
    await expect(answer.get_by_role("img", name="Read")).to_be_visible()
    await expect(page.locator(".dots")).to_be_visible()
    await bot.text(CUSTOMER, "Likh liya")
    await expect(page.locator(".dots")).to_have_count(0)


async def test_a_thread_that_loads_late_keeps_what_came_meanwhile(page: "Page", bot: "Bot") -> None:
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(route: "Route") -> None:
        answer = await route.fetch()
        looked.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    await page.get_by_role("button", name="All chats").click()
    await page.reload()
    await page.route(re.compile(r"/control/messages\?.*phone_number_id="), slowly)
    await page.get_by_role("button", name=bot.name).click()
    await looked.wait()
    box = page.get_by_role("textbox", name=f"Message to {bot.name}")
    await box.fill("Ramesh 500")
    await box.press("Enter")
    mine = page.locator(".bubble", has_text="Ramesh 500")
    await expect(mine.get_by_role("img", name="Delivered to the shop")).to_be_visible()
    async with page.expect_event("requestfinished", lambda asked: "phone_number_id=" in asked.url):
        go_on.set()
    await page.evaluate("fetch('/control/clock').then((answer) => answer.json())")
    await expect(mine).to_have_count(1)
    await expect(mine.get_by_role("img", name="Delivered to the shop")).to_be_visible()
