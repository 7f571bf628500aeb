"""kill -9 of the stand-in: what was accepted is there, what was not delivered is delivered."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from munshi_emulator.receiver import WebhookReceiver
from munshi_emulator.testing import EmulatorProcess
from rig.ports import free_port

if TYPE_CHECKING:
    from munshi_emulator.client import EmulatorClient

NUMBER = "106540352242922"
CUSTOMER = "919812345678"


def to_be_killed(folder: Path, **settings: float) -> EmulatorProcess:
    """A stand-in on a port of ours: one that the system gave may be another's before the second start."""
    emulator = EmulatorProcess(folder, **settings)
    emulator.port = free_port()
    return emulator


async def register(control: "EmulatorClient", url: str) -> None:
    await control.put_number(
        NUMBER,
        waba_id="1",
        display_phone_number="+91 98200 00000",
        verified_name="Shop",
        app_secret="secret",
        access_tokens=["token"],
        webhook_url=url,
        throughput=10_000,
        pair_limit=False,
    )


async def send(http: aiohttp.ClientSession, emulator: EmulatorProcess, callback: str) -> str | None:
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "to": CUSTOMER,
        "type": "text",
        "text": {"body": callback},
        "biz_opaque_callback_data": callback,
    }
    headers = {"Authorization": "Bearer token"}
    try:
        async with http.post(f"{emulator.url}/v25.0/{NUMBER}/messages", json=body, headers=headers) as answer:
            return callback if answer.status == 200 else None
    except aiohttp.ClientError:
        return None


async def test_killed_under_load_again_and_again(tmp_path: Path) -> None:
    emulator = to_be_killed(tmp_path, retry_first_seconds=0.05, retry_max_seconds=0.3)
    receiver = WebhookReceiver()
    await receiver.start()
    await emulator.start()
    accepted: set[str] = set()
    kept: set[str] = set()
    try:
        async with aiohttp.ClientSession() as http:
            async with emulator.client() as control:
                await register(control, receiver.url)
                await control.say(NUMBER, CUSTOMER, "hello", idempotency_key="hello")
            for life in range(3):
                receiver.answer = (lambda _post: 503) if life < 2 else (lambda _post: 200)
                async with emulator.client() as control:
                    orders = [
                        {
                            "phone_number_id": NUMBER,
                            "person": CUSTOMER,
                            "text": "x",
                            "idempotency_key": f"{life}.{n}",
                        }
                        for n in range(50)
                    ]
                    kept |= set(await control.send_many(orders))
                results = [asyncio.create_task(send(http, emulator, f"{life}.{n}")) for n in range(60)]
                for done, task in enumerate(asyncio.as_completed(results), 1):
                    await task
                    if done == 20:
                        break
                emulator.kill()
                accepted |= {one for one in await asyncio.gather(*results) if one is not None}
                await emulator.start()
            async with emulator.client() as control:
                await control.wait_delivered()
                there = {entry["callback"] for entry in await control.messages(direction="out")}
                inbound = {entry["wamid"] for entry in await control.messages(direction="in")}
        assert len(accepted) >= 60
        assert accepted <= there
        assert kept <= inbound
        assert inbound == {item["id"] for item in receiver.items("messages")}
        echoed = {(item["biz_opaque_callback_data"], item["status"]) for item in receiver.items("statuses")}
        assert {
            (callback, status) for callback in there for status in ("sent", "delivered", "read")
        } <= echoed
        assert not receiver.unsigned("secret")
    finally:
        emulator.kill()
        await receiver.stop()


async def test_settings_of_a_test_outlive_a_kill(tmp_path: Path) -> None:
    emulator = to_be_killed(tmp_path)
    await emulator.start()
    try:
        async with emulator.client() as control:
            await register(control, "http://127.0.0.1:9/none")
            await control.say(NUMBER, CUSTOMER, "hello")
            await control.advance_clock(25 * 3600)
            await control.knobs(sent_ms=7)
            await control.fault("error", code=131000, count=3)
            await control.delivery(paused=True)
        emulator.kill()
        await emulator.start()
        async with emulator.client() as control, aiohttp.ClientSession() as http:
            assert (await control.call("GET", "/clock"))["offset_seconds"] == 25 * 3600
            assert (await control.call("GET", "/knobs"))["sent_ms"] == 7
            assert (await control.call("GET", "/delivery"))["*"]["paused"]
            assert [rule["count"] for rule in await control.call("GET", "/faults")] == [3]
            await control.clear_faults()
            assert await send(http, emulator, "cold") is None
            assert [entry["code"] for entry in await control.refusals()] == [131047]
    finally:
        emulator.kill()


async def test_whom_a_portfolio_wrote_to_first_outlives_a_kill(tmp_path: Path) -> None:
    emulator = to_be_killed(tmp_path)
    await emulator.start()

    async def write_to(http: aiohttp.ClientSession, n: int) -> int:
        body = {
            "messaging_product": "whatsapp",
            "to": f"9198330{n:05d}",
            "type": "template",
            "template": {"name": "hello_world", "language": {"code": "en_US"}},
        }
        url, headers = f"{emulator.url}/v25.0/{NUMBER}/messages", {"Authorization": "Bearer token"}
        async with http.post(url, json=body, headers=headers) as answer:
            return answer.status

    try:
        async with emulator.client() as control, aiohttp.ClientSession() as http:
            await register(control, "http://127.0.0.1:9/none")
            await control.put_number(NUMBER, messaging_limit=250)
            assert {await write_to(http, n) for n in range(250)} == {200}
        emulator.kill()
        await emulator.start()
        async with aiohttp.ClientSession() as http:
            assert [await write_to(http, n) for n in (0, 250)] == [200, 429]
    finally:
        emulator.kill()


async def test_stops_cleanly_with_a_reader_on_the_event_stream(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    await emulator.start()
    async with aiohttp.ClientSession() as http, http.get(f"{emulator.url}/control/events") as stream:
        assert (await stream.content.readuntil(b"event: hello")).startswith(b"retry:")
        status = await asyncio.to_thread(emulator.stop)
        assert status == 0


async def test_probes_and_metrics(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    await emulator.start()
    try:
        async with aiohttp.ClientSession() as http:
            for path in ("/healthz", "/readyz"):
                async with http.get(emulator.url + path) as answer:
                    assert answer.status == 200
            async with http.get(f"{emulator.url}/metrics") as answer:
                text = await answer.text()
        names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        assert names
        assert all(name.startswith("munshi_emulator_") for name in names)
    finally:
        assert await asyncio.to_thread(emulator.stop) == 0


async def test_a_taken_port_and_a_folder_in_use_are_refused(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path / "one")
    await emulator.start()
    try:
        second = EmulatorProcess(tmp_path / "two")
        second.port = emulator.port
        with pytest.raises(RuntimeError, match="cannot start"):
            await second.start()
        third = EmulatorProcess(tmp_path / "one")
        with pytest.raises(RuntimeError, match="in use"):
            await third.start()
    finally:
        await asyncio.to_thread(emulator.stop)


async def test_data_of_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "emulator.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version=99")
    before = database.read_bytes()
    with pytest.raises(RuntimeError, match="use the newer program"):
        await EmulatorProcess(tmp_path).start()
    assert database.read_bytes() == before


async def frames(stream: aiohttp.ClientResponse, count: int) -> tuple[list[str], str]:
    """The texts of so many messages of an event stream, and the id of the last event."""
    texts: list[str] = []
    cursor = ""
    async with asyncio.timeout(60):
        while len(texts) < count:
            line = (await stream.content.readline()).decode().rstrip()
            if line.startswith("id: "):
                cursor = line.removeprefix("id: ")
            if line.startswith("data: [") and cursor:
                texts += [
                    message["body"]["text"]["body"] for message in orjson.loads(line.removeprefix("data: "))
                ]
    return texts, cursor


async def test_event_stream_goes_on_where_it_was_cut_also_over_a_kill(tmp_path: Path) -> None:
    emulator = to_be_killed(tmp_path)
    await emulator.start()
    try:
        async with emulator.client() as control, aiohttp.ClientSession() as http:
            await register(control, "http://127.0.0.1:9/none")
            await control.delivery(paused=True)
            async with http.get(f"{emulator.url}/control/events?cursor=0") as stream:
                await control.say(NUMBER, CUSTOMER, "one")
                first, cursor = await frames(stream, 1)
            await control.say(NUMBER, CUSTOMER, "two")
            await control.say(NUMBER, CUSTOMER, "three")
        emulator.kill()
        await emulator.start()
        async with emulator.client() as control, aiohttp.ClientSession() as http:
            headers = {"Last-Event-ID": cursor}
            async with http.get(f"{emulator.url}/control/events?cursor=0", headers=headers) as stream:
                await control.say(NUMBER, CUSTOMER, "four")
                rest, _ = await frames(stream, 3)
        assert (first, rest) == (["one"], ["two", "three", "four"])
    finally:
        emulator.kill()
