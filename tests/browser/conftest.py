"""A real Chromium before a real stand-in, with a scripted shop that answers through the Graph API."""

import asyncio
import contextlib
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from playwright.async_api import Error as PlaywrightError

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
PATIENCE_MS = 60_000
"""Longest wait for what must come; a busy machine takes its time."""

STATE = """async () => {
    const state = await import("/page/js/state.js");
    const names = ["open", "chats", "threads", "typing", "link", "toast", "traffic"];
    return Object.fromEntries(names.map((name) => [name, state[name].value]));
}"""
"""What the page knows, from the modules that it runs."""

HEARS = """async () => {
    const { link } = await import("/page/js/state.js");
    await new Promise((done) => link.subscribe((value) => { if (value === "live") done(); }));
}"""
"""Ends when the page has its event stream; dots that are shown before that are nobody's."""

expect.set_options(timeout=PATIENCE_MS)
_COUNTER = itertools.count(1)
FAILED = pytest.StashKey[bool]()

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
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """Calls and webhooks with their times, shown when a test fails."""

    def note(self, line: str) -> None:
        """Keep a line for the report of a failure."""
        self.log.append(f"{time.time():.3f} {line}")

    def answer(self, post: Post) -> int:
        """Take a webhook and run the script beside it."""
        for change in post.changes():
            self.note(f"webhook {json.dumps(change['value'])}")
            for message in change["value"].get("messages", []):
                if self.script is not None:
                    self.tasks.append(asyncio.get_running_loop().create_task(self.script(self, message)))
        return 200

    async def finish(self) -> None:
        """Wait for the scripts; one that failed or does not end fails the test."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await asyncio.gather(*self.tasks)

    async def seen_by(self, page: Page) -> None:
        """Wait until the page has the chat open and hears what happens in it."""
        await page.get_by_role("textbox", name=f"Message to {self.name}").wait_for()
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await page.evaluate(HEARS)

    async def post(self, **body: Any) -> str:
        """Call the messages endpoint; the wamid of a send."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.emulator.url}/v25.0/{self.id}/messages"
        async with self.http.post(
            url, json={"messaging_product": "whatsapp", **body}, headers=headers
        ) as answer:
            found = await answer.json()
            self.note(f"call {json.dumps(body)}: {answer.status} {found}")
            assert answer.status == 200, found
            return str(found["messages"][0]["id"]) if "messages" in found else ""

    async def text(self, to: str, text: str, reply_to: str | None = None) -> str:
        """Send a text."""
        context = {"context": {"message_id": reply_to}} if reply_to else {}
        return await self.post(to=to, type="text", text={"body": text}, **context)

    async def typing(self, message: Json) -> None:
        """Read a message and show the dots."""
        await self.post(status="read", message_id=message["id"], typing_indicator={"type": "text"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know at their end whether the test failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


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
        try:
            yield made
            await made.finish()
        finally:
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


def watch(page: Page, bot: Bot) -> None:
    """Note what the page says and asks for beside what the shop does."""
    page.on("console", lambda message: bot.note(f"console {message.type}: {message.text}"))
    page.on("request", lambda asked: bot.note(f"page asks {asked.method} {asked.url}"))
    page.on("requestfinished", lambda asked: bot.note(f"page has {asked.method} {asked.url}"))
    page.on(
        "requestfailed", lambda asked: bot.note(f"page misses {asked.method} {asked.url}: {asked.failure}")
    )


async def account(page: Page, bot: Bot) -> str:
    """What each side knows, for the report of a failure."""
    lines = [*bot.log, *map(repr, bot.tasks)]
    for name, query in (("messages", {"phone_number_id": bot.id}), ("refusals", None)):
        lines.append(f"{name}: {json.dumps(await bot.control.call('GET', f'/{name}', params=query))}")
    lines.append(f"emulator: {bot.emulator.log()[-4000:]}")
    with contextlib.suppress(PlaywrightError, TimeoutError):  # of a page that is gone
        async with asyncio.timeout(PATIENCE_MS / 1000):
            lines.append(f"page: {json.dumps(await page.evaluate(STATE))}")
            lines.append(f"body: {await page.locator('body').inner_html()}")
    return "\n".join(lines)


@pytest.fixture
async def page(request: pytest.FixtureRequest, browser: Browser, bot: Bot) -> AsyncIterator[Page]:
    """A phone with the shop's chat open. Any error of the page's script fails the test."""
    context = await browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    opened = await context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    watch(opened, bot)
    await opened.goto(bot.emulator.url)
    await opened.get_by_role("button", name=bot.name).click()
    await bot.seen_by(opened)
    yield opened
    if request.node.stash.get(FAILED, False):
        request.node.add_report_section("teardown", "account", await account(opened, bot))
    await context.close()
    assert errors == []
