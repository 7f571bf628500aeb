"""One stand-in for all tests of a worker; each test has a number and a webhook of its own."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from munshi_emulator.client import EmulatorClient
from munshi_emulator.receiver import WebhookReceiver
from munshi_emulator.testing import EmulatorProcess

SECRET = "app-secret"
TOKEN = "token-of-the-shop"
_COUNTER = itertools.count(1)


@dataclass
class Shop:
    """A registered number with its webhook, and the means to act as its owner."""

    emulator: EmulatorProcess
    control: EmulatorClient
    receiver: WebhookReceiver
    http: aiohttp.ClientSession
    id: str
    waba: str
    customer: str = "919812345678"

    async def graph(self, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:
        """A call of the Graph API; HTTP status and JSON."""
        headers = {"Authorization": f"Bearer {request.pop('token', TOKEN)}"}
        url = f"{self.emulator.url}/v25.0/{path}"
        async with self.http.request(method, url, headers=headers, **request) as answer:
            body: dict[str, Any] = await answer.json()
            return answer.status, body

    async def post(self, **body: Any) -> tuple[int, dict[str, Any]]:
        """POST to the messages endpoint, to the customer unless told otherwise."""
        whole: dict[str, Any] = {"messaging_product": "whatsapp", **body}
        if not {"to", "recipient", "status"} & set(body):
            whole["to"] = self.customer
        return await self.graph("POST", f"{self.id}/messages", json=whole)

    async def text(self, text: str = "namaste", **more: Any) -> str:
        """Send a text that must be accepted; its wamid."""
        status, body = await self.post(type="text", text={"body": text}, **more)
        assert status == 200, body
        wamid: str = body["messages"][0]["id"]
        return wamid

    async def hello(self, text: str = "hello", **fields: Any) -> str:
        """The customer writes, which opens the window; waits until the webhook has it."""
        wamid = await self.control.say(self.id, self.customer, text, **fields)
        await self.receiver.wait(lambda: any(item["id"] == wamid for item in self.receiver.items("messages")))
        return wamid


@pytest.fixture(scope="session")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A stand-in that lives as long as the session."""
    process = EmulatorProcess(
        tmp_path_factory.mktemp("emulator"), retry_first_seconds=0.05, retry_max_seconds=0.5
    )
    asyncio.run(process.start())
    yield process
    assert process.stop() == 0


@pytest.fixture
async def shop(emulator_process: EmulatorProcess) -> AsyncIterator[Shop]:
    """A fresh number at an emptied stand-in."""
    receiver = WebhookReceiver()
    await receiver.start()
    async with emulator_process.client() as control, aiohttp.ClientSession() as http:
        await control.reset()
        number = next(_COUNTER)
        made = Shop(
            emulator_process, control, receiver, http, f"1065403522{number:05}", f"1022901293{number:05}"
        )
        await control.put_number(
            made.id,
            waba_id=made.waba,
            display_phone_number="+91 98200 00000",
            verified_name="Sharma Kirana Store",
            app_secret=SECRET,
            access_tokens=[TOKEN],
            verify_token=receiver.verify_token,
            webhook_url=receiver.url,
        )
        await control.knobs(sent_ms=5, delivered_ms=20, read_ms=60)
        yield made
        await control.call("DELETE", f"/phone-numbers/{made.id}")
    await receiver.stop()
