"""Single troubles, each on the whole path: a full bus, and a clock that jumps."""

from pathlib import Path

import asyncpg
import pytest

from faults.theatre import NUMBERS, theatre
from munshi.bus.connection import connected
from munshi.cells import load_cell
from munshi.contracts.subjects import event_stream
from munshi.contracts.tenant import POOL
from munshi_emulator.client import EmulatorClient


@pytest.mark.timeout(600)
async def test_a_full_stream_refuses_and_nothing_is_lost(tmp_path: Path) -> None:
    async with theatre(tmp_path, workers=()) as stage:
        cell = load_cell(stage.cells.folder / POOL)
        async with connected(cell, "test") as connection:
            bus = connection.client.jetstream()
            config = (await bus.stream_info(event_stream(cell.name))).config
            config.max_bytes = 20_000
            await bus.update_stream(config)
        async with stage.emulator.client() as client:
            asked = [
                await client.say(NUMBERS[0], f"9198300{n:05d}", f"Ramesh ko {100 + n} udhaar diya")
                for n in range(60)
            ]

        async def refused(client: EmulatorClient, _: asyncpg.Connection) -> bool:
            return any(update["last_code"] == 503 for update in await client.updates())

        await stage.until(refused, 90, "ingress to refuse")
        stage.start_worker("one").wait_ready()
        await stage.quiet(150)
        async with stage.emulator.client() as client:
            replies = await client.messages(direction="out", limit=1000)
        assert sorted(reply["body"]["context"]["message_id"] for reply in replies) == sorted(asked)


@pytest.mark.timeout(600)
async def test_a_clock_that_jumps_closes_the_window_and_the_next_message_opens_it(tmp_path: Path) -> None:
    async with theatre(tmp_path, workers=()) as stage:
        async with stage.emulator.client() as client:
            late = await client.say(NUMBERS[0], "919830000001", "Ramesh ko 500 udhaar diya")
            await client.advance_clock(25 * 3600)
        stage.start_worker("one").wait_ready()

        async def given_up(_: EmulatorClient, database: asyncpg.Connection) -> bool:
            code = await database.fetchval("select error_code from outbox where state = 'failed'")
            return bool(code == 131047)

        await stage.until(given_up, 90, "the late reply to be given up")
        async with stage.emulator.client() as client:
            await client.say(NUMBERS[0], "919830000001", "Ramesh ka kitna baaki hai?")
            (reply,) = await client.wait_for(1, direction="out", timeout_seconds=90)
            await client.advance_clock(-25 * 3600)
        assert "500" in str(reply["body"])
        assert reply["body"]["context"]["message_id"] != late
