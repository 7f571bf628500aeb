"""A real Chromium before a real stand-in, with a scripted shop that answers through the Graph API."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from munshi_emulator.client import EmulatorClient
from munshi_emulator.receiver import Post, WebhookReceiver
from munshi_emulator.testing import EmulatorProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
TOKEN = "token"
PATIENCE_MS = 20_000
"""Longest wait for what must come; a busy machine takes its time."""

expect.set_options(timeout=PATIENCE_MS)
_COUNTER = itertools.count(1)

Json = dict[str, Any]
Script = Callable[["Bot", Json], Coroutine[Any, Any, None]]


@dataclass
class Bot:
    """A shop. `script` is run for each message of a customer."""

    emulator: EmulatorProcess
    control: EmulatorClient
    receiver: WebhookReceiver
    http: aiohttp.ClientSession
    id: str
    name: str
    script: Script | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def answer(self, post: Post) -> int:
        """Take a webhook and run the script beside it."""
        for change in post.changes():
            for message in change["value"].get("messages", []):
                if self.script is not None:
                    task = asyncio.get_running_loop().create_task(self.script(self, message))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
        return 200

    async def post(self, **body: Any) -> str:
        """Call the messages endpoint; the wamid of a send."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.emulator.url}/v25.0/{self.id}/messages"
        async with self.http.post(
            url, json={"messaging_product": "whatsapp", **body}, headers=headers
        ) as answer:
            found = await answer.json()
            assert answer.status == 200, found
            return str(found["messages"][0]["id"]) if "messages" in found else ""

    async def text(self, to: str, text: str, reply_to: str | None = None) -> str:
        """Send a text."""
        context = {"context": {"message_id": reply_to}} if reply_to else {}
        return await self.post(to=to, type="text", text={"body": text}, **context)

    async def typing(self, message: Json) -> None:
        """Read a message and show the dots."""
        await self.post(status="read", message_id=message["id"], typing_indicator={"type": "text"})


@pytest.fixture(scope="session")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A stand-in that lives as long as the session."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    process = EmulatorProcess(
        tmp_path_factory.mktemp("emulator"), retry_first_seconds=0.05, retry_max_seconds=0.5
    )
    asyncio.run(process.start())
    yield process
    assert process.stop() == 0


@pytest.fixture
async def bot(emulator_process: EmulatorProcess) -> AsyncIterator[Bot]:
    """A fresh shop at an emptied stand-in."""
    receiver = WebhookReceiver()
    await receiver.start()
    async with emulator_process.client() as control, aiohttp.ClientSession() as http:
        await control.reset()
        made = Bot(emulator_process, control, receiver, http, f"77{next(_COUNTER):05}", "Sharma Kirana Store")
        receiver.answer = made.answer
        await control.put_number(
            made.id,
            waba_id="88",
            display_phone_number="+91 98200 00000",
            verified_name=made.name,
            app_secret="secret",
            access_tokens=[TOKEN],
            webhook_url=receiver.url,
            pair_limit=False,
            throughput=10_000,
            about="Udhaar book",
            starters=["Ramesh ko 500 ka maal udhaar diya"],
        )
        yield made
        await asyncio.gather(*made.tasks)
        await control.call("DELETE", f"/phone-numbers/{made.id}")
    await receiver.stop()


@pytest.fixture
async def browser(emulator_process: EmulatorProcess) -> AsyncIterator[Browser]:
    """A headless Chromium."""
    assert emulator_process.url
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser, bot: Bot) -> AsyncIterator[Page]:
    """A phone with the shop's chat open. Any error of the page's script fails the test."""
    context = await browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    opened = await context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    await opened.goto(bot.emulator.url)
    await opened.get_by_role("button", name=bot.name).click()
    await opened.get_by_role("textbox", name=f"Message to {bot.name}").wait_for()
    yield opened
    await context.close()
    assert errors == []
