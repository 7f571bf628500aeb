"""A disk that fills while the platform runs: refused in words, nothing acknowledged lost, healed by room."""

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from munshi.embedded.data_folder import DataFolder
from munshi_emulator.client import EmulatorClient, EmulatorError
from rig.disks import fill, small_disk
from rig.frozen import frozen
from rig.platform import EXAMPLES, PlatformRig, platform_in
from rig.waiting import eventually, wait_for

SHARMA = "106540352242922"
APP_SECRET = b"demo-app-secret-of-sharma-kirana"
PEOPLE = 20


@contextlib.contextmanager
def platform_with_small_disk(root: Path, part: str, megabytes: int) -> Iterator[tuple[PlatformRig, Path]]:
    """A running platform whose `part` of the data folder is a disk of its own."""
    data = DataFolder(root / "data")
    data.prepare()
    with small_disk(data.root / part, megabytes) as disk, platform_in(data.root) as rig:
        yield rig.up("--tenants", str(EXAMPLES)), disk


async def say(client: EmulatorClient, first: int, count: int) -> list[str]:
    """So many messages of `PEOPLE` people; their ids."""
    messages = [
        {
            "phone_number_id": SHARMA,
            "person": f"9198{n % PEOPLE:08d}",
            "text": f"Ramesh ko {100 + n} udhaar diya",
        }
        for n in range(first, first + count)
    ]
    return await client.send_many(messages)


async def taken(client: EmulatorClient, count: int) -> None:
    """Waits until ingress has answered 200 for so many messages."""
    async with asyncio.timeout(90):
        while (await client.counts())["updates"].get("message.delivered", 0) < count:
            await asyncio.sleep(0.05)


async def refused(client: EmulatorClient) -> None:
    """Waits until ingress answers 503 to a webhook that is still to be delivered."""
    async with asyncio.timeout(90):
        while not any(update["last_code"] == 503 for update in await client.updates()):
            await asyncio.sleep(0.05)


async def answered_once(client: EmulatorClient, asked: list[str]) -> None:
    """Waits for all answers; none is missing, none is there twice."""
    replies = await client.wait_for(len(asked), direction="out", timeout_seconds=90, limit=1000)
    await client.wait_delivered(timeout_seconds=90)
    replies = await client.messages(direction="out", limit=1000)
    assert Counter(reply["body"]["context"]["message_id"] for reply in replies) == Counter(asked)


async def refusals(platform: PlatformRig) -> float:
    """Webhooks that were refused for the bus's sake, by ingress's own count."""
    async with aiohttp.ClientSession() as http, http.get(f"{platform.ingress}/metrics") as answer:
        text = await answer.text()
    counts = {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "munshi_ingress_requests_total"
    }
    return counts.get("bus_away", 0) + counts.get("bus_full", 0)


def problem(platform: PlatformRig, name: str) -> str:
    return str(platform.process(name)["problem"] or "")


def events(platform: PlatformRig, log: str) -> list[dict[str, Any]]:
    lines = (platform.data / "logs" / f"{log}.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def told(platform: PlatformRig, name: str, disk: Path) -> None:
    """The full disk is told where a person looks: status and log, with what to do."""
    wait_for(lambda: problem(platform, name), "the status says that the disk is full")
    assert problem(platform, name).startswith(f"the disk of {disk} is full")
    assert "make room" in problem(platform, name)
    assert "make room" in platform.munshi("status").stdout
    full = [event for event in events(platform, "supervisor") if event["event"] == "disk_full"]
    assert full[-1]["process"] == name
    assert full[-1]["level"] == "error"


async def told_truly(platform: PlatformRig) -> bool:
    """The status calls a platform ready only where its database answers.

    Whether it does is open: one that stopped itself comes back, full disk or not, as soon as its neighbours
    have given up the little that it needs, since its recovery lets go of old pieces of its journal.
    """
    status = platform.status()
    try:
        connection = await asyncpg.connect(status["database"]["url"], timeout=10)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return not status["ready"]
    await connection.close(timeout=10)
    return True


def healed(platform: PlatformRig, name: str) -> None:
    wait_for(lambda: platform.status()["ready"] and not problem(platform, name), "all is well again")
    assert "disk_has_room" in {event["event"] for event in events(platform, "supervisor")}


async def journal_full(platform: PlatformRig) -> None:
    """Has PostgreSQL begin new pieces of its journal until it cannot; it then stops itself."""
    url = platform.status()["database"]["url"]
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection = await asyncpg.connect(url)
        try:
            for _ in range(100):
                await connection.execute("select pg_logical_emit_message(true, 'test', 'x')")
                await connection.execute("select pg_switch_wal()")
        finally:
            await connection.close(timeout=1)
        raise AssertionError("a hundred pieces of journal found room")


@pytest.mark.timeout(600)
async def test_a_full_disk_of_the_bus_refuses_and_loses_nothing(tmp_path: Path) -> None:
    with platform_with_small_disk(tmp_path, "nats", 64) as (platform, disk):
        async with EmulatorClient(platform.emulator) as client:
            asked = await say(client, 0, PEOPLE)
            await answered_once(client, asked)
            # What is acknowledged now lies on the bus alone, until the worker goes on.
            with frozen(platform.process("orchestrator")["pid"]):
                asked += await say(client, 1000, 3 * PEOPLE)
                await taken(client, len(asked))
                ballast = fill(disk)
                asked += await say(client, 2000, 3 * PEOPLE)
                await refused(client)
                told(platform, "nats", disk)
                assert await refusals(platform) > 0
            ballast.unlink()
            healed(platform, "nats")
            await answered_once(client, asked)


@pytest.mark.timeout(600)
async def test_a_full_disk_of_the_database_keeps_all_on_the_bus(tmp_path: Path) -> None:
    with platform_with_small_disk(tmp_path, "postgres", 500) as (platform, disk):
        async with EmulatorClient(platform.emulator) as client:
            asked = await say(client, 0, PEOPLE)
            await answered_once(client, asked)
            ballast = fill(disk)
            asked += await say(client, 1000, 3 * PEOPLE)
            await journal_full(platform)
            told(platform, "postgres", disk)
            asked += await say(client, 2000, PEOPLE)
            await taken(client, len(asked))
            await eventually(lambda: told_truly(platform), "the status says whether the database is there")
            ballast.unlink()
            healed(platform, "postgres")
            await answered_once(client, asked)
            assert not platform.munshi("dead-letters", "list", "--json").stdout


class Meta:
    """Meta itself, which no full disk of ours stops: posts a webhook again until it gets 200."""

    def __init__(self, ingress: str) -> None:
        self._url = f"{ingress}/webhooks/whatsapp/shops_sharma-kirana"
        self.codes: Counter[int] = Counter()

    async def post(self, http: aiohttp.ClientSession, wamid: str, text: str) -> None:
        message = {
            "from": "919800000000",
            "id": wamid,
            "timestamp": "1800000000",
            "type": "text",
            "text": {"body": text},
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "919820000000", "phone_number_id": SHARMA},
            "messages": [message],
        }
        entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        signature = f"sha256={hmac.new(APP_SECRET, body, hashlib.sha256).hexdigest()}"
        code = 0
        while code != 200:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with http.post(
                    self._url, data=body, headers={"X-Hub-Signature-256": signature}
                ) as answer:
                    code = answer.status
                self.codes[code] += 1
            await asyncio.sleep(0.2)


async def booked_once(platform: PlatformRig, wamids: list[str]) -> None:
    """Waits until all are in the books; none twice."""
    connection = await asyncpg.connect(platform.status()["database"]["url"])
    try:
        async with asyncio.timeout(90):
            while True:
                rows = await connection.fetch(
                    "select message_id from transactions where message_id = any($1)", wamids
                )
                if len(rows) >= len(wamids):
                    break
                await asyncio.sleep(0.2)
        assert Counter(row["message_id"] for row in rows) == Counter(wamids)
    finally:
        await connection.close()


@pytest.mark.timeout(600)
async def test_a_full_disk_of_everything_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Bus, database, emulator, logs and the supervisor's own notes all at once, to the last byte."""
    with platform_with_small_disk(tmp_path, ".", 600) as (platform, disk):
        async with EmulatorClient(platform.emulator) as client, aiohttp.ClientSession() as http:
            asked = await say(client, 0, PEOPLE)
            await answered_once(client, asked)
            with frozen(platform.process("orchestrator")["pid"]):
                asked += await say(client, 1000, 3 * PEOPLE)
                await taken(client, len(asked))
                ballast = fill(disk)
                meta = Meta(platform.ingress)
                wamids = [f"wamid.FULL{n}" for n in range(10)]
                posts = [
                    asyncio.create_task(meta.post(http, wamid, f"Suresh ko {10 + n} udhaar diya"))
                    for n, wamid in enumerate(wamids)
                ]
                with contextlib.suppress(EmulatorError):  # it stands on the same disk
                    asked += await say(client, 2000, PEOPLE)
            # Everything tries to work, and to log that it cannot.
            await journal_full(platform)
            wait_for(lambda: "make room" in platform.munshi("status").stdout, "the status says what to do")
            await eventually(lambda: told_truly(platform), "the status says whether the database is there")
            ballast.unlink()
            wait_for(
                lambda: platform.status()["ready"] and "make room" not in platform.munshi("status").stdout,
                "all is well again",
            )
            await asyncio.wait_for(asyncio.gather(*posts), 90)
            await answered_once(client, asked + wamids)
            await booked_once(platform, asked + wamids)
            assert not platform.munshi("dead-letters", "list", "--json").stdout
            assert "disk_has_room" in {event["event"] for event in events(platform, "supervisor")}
