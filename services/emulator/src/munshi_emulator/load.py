"""How fast the stand-in is: `python -m munshi_emulator.load`, one JSON line.

Starts a stand-in and a receiver of its own, sends `--messages` over `--connections`, then takes in as many
customers' messages in bulk, and waits each time until all webhooks are answered. Receiver and sender share
this one process, so the figures are the least that the stand-in does.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import orjson

from munshi_emulator.client import EmulatorClient
from munshi_emulator.receiver import WebhookReceiver
from munshi_emulator.testing import running

NUMBER = "106540352242922"
CUSTOMER = "919812345678"


async def _sends(url: str, messages: int, connections: int) -> float:
    """Seconds until all sends are accepted."""
    body = orjson.dumps(
        {"messaging_product": "whatsapp", "to": CUSTOMER, "type": "text", "text": {"body": "Likh liya"}}
    )
    headers = {"Authorization": "Bearer token"}
    left = iter(range(messages))

    async def sender(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(f"{url}/v25.0/{NUMBER}/messages", data=body, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

    started = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        await asyncio.gather(*(sender(session) for _ in range(connections)))
    return time.perf_counter() - started


async def _bulk(control: EmulatorClient, messages: int) -> float:
    """Seconds until all customers' messages are delivered."""
    orders = [
        {"phone_number_id": NUMBER, "person": f"9198{index % 500:08}", "text": f"message {index}"}
        for index in range(messages)
    ]
    started = time.perf_counter()
    await control.send_many(orders)
    await control.wait_delivered(timeout_seconds=300)
    return time.perf_counter() - started


async def measure(messages: int, connections: int) -> dict[str, float]:
    """The figures: accepted sends a second, statuses done, customers' messages delivered a second."""
    receiver = WebhookReceiver()
    await receiver.start()
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as emulator, emulator.client() as control:
            await control.put_number(
                NUMBER,
                waba_id="1",
                display_phone_number="+91 98200 00000",
                verified_name="Shop",
                app_secret="secret",  # noqa: S106 - a test's
                access_tokens=["token"],
                webhook_url=receiver.url,
                throughput=1_000_000,
                pair_limit=False,
            )
            await control.say(NUMBER, CUSTOMER, "hello")
            started = time.perf_counter()
            sending = await _sends(emulator.url, messages, connections)
            await control.wait_delivered(timeout_seconds=300)
            statuses = time.perf_counter() - started
            before = len(receiver.posts)
            bulk = await _bulk(control, messages)
            posts = len(receiver.posts) - before
    await receiver.stop()
    return {
        "messages": messages,
        "connections": connections,
        "sends_per_second": round(messages / sending),
        "statuses_per_second": round(3 * messages / statuses),
        "inbound_per_second": round(messages / bulk),
        "inbound_posts": posts,
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="How fast the stand-in is.")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=50)
    given = parser.parse_args()
    figures = asyncio.run(measure(given.messages, given.connections))
    sys.stdout.write(orjson.dumps(figures).decode() + "\n")


if __name__ == "__main__":
    main()
