"""kill -9 of everything under load, again and again: each message kept, one entry, one reply, in order.

`MUNSHI_FAULT_MESSAGES` and `MUNSHI_FAULT_SEED` choose load and luck; a failure prints its seed.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from faults.theatre import NUMBERS, PASSING, SETTLE_SECONDS, Chaos, Theatre, theatre
from munshi_emulator.client import EmulatorClient

SEED = int(os.environ.get("MUNSHI_FAULT_SEED") or random.SystemRandom().randrange(2**32))
QUICK = int(os.environ.get("MUNSHI_FAULT_MESSAGES") or 1_500)
LONG = int(os.environ.get("MUNSHI_FAULT_MESSAGES") or 10_000)
EACH = 40
"""Messages of one person at most, and up to three more at the end: within the burst of 45 that Meta's pair
limit allows a reply to each."""

Asked = dict[tuple[str, str], list[str]]
"""Ids of the messages of each person on each number, in the order in which they were said."""


async def say(stage: Theatre, messages: list[dict[str, Any]]) -> None:
    """Gives the emulator a wave of messages, once, however often it dies meanwhile."""
    while True:
        try:
            async with stage.emulator.client() as client:
                await client.send_many(messages)
        except PASSING:
            await asyncio.sleep(0.1)
        else:
            return


async def delivered(stage: Theatre) -> None:
    """Waits until every message was answered 200 by ingress: then its place in the order is fixed."""

    async def none_left(client: EmulatorClient, _: asyncpg.Connection) -> bool:
        counts = (await client.counts())["updates"]
        return not any(
            n for name, n in counts.items() if name.startswith("message.") and "deliver" not in name
        )

    await stage.until(none_left, 180, "ingress to take every message")


async def load(stage: Theatre, total: int, luck: random.Random) -> Asked:
    """Says `total` messages in waves, one of each person a wave."""
    people = [(NUMBERS[n % len(NUMBERS)], f"9198100{n:05d}") for n in range(max(60, total // EACH))]
    asked: Asked = defaultdict(list)
    said = 0
    while said < total:
        wave = []
        for number, phone in people[: total - said]:
            wamid = f"wamid.FAULT{said:06d}"
            said += 1
            text = f"Ramesh ko {100 + said % 900} udhaar diya"
            wave.append(
                {
                    "phone_number_id": number,
                    "person": phone,
                    "text": text,
                    "wamid": wamid,
                    "idempotency_key": wamid,
                }
            )
            asked[number, phone].append(wamid)
        luck.shuffle(wave)
        await asyncio.sleep(luck.uniform(0.0, 0.6))  # people write at any moment of the chaos
        await say(stage, wave)
        await delivered(stage)
    return asked


async def write_on(stage: Theatre, asked: Asked, luck: random.Random) -> None:
    """Everybody says one more thing, once no send of a killed worker is unknown to a living one: a send whose
    answer was lost goes again only when later things are heard of Meta."""

    async def known(_: EmulatorClient, database: asyncpg.Connection) -> bool:
        lost = "state = 'sending' and sending_at < clock_timestamp() - interval '5 seconds'"
        return bool(await database.fetchval(f"select count(*) from outbox where {lost}") == 0)

    await stage.until(known, 180, "the sends of killed workers to be known")
    said, wave = sum(map(len, asked.values())), []
    for (number, phone), wamids in asked.items():
        wamid = f"wamid.FAULT{said:06d}"
        said += 1
        text = f"Ramesh ko {100 + said % 900} udhaar diya"
        wave.append(
            {
                "phone_number_id": number,
                "person": phone,
                "text": text,
                "wamid": wamid,
                "idempotency_key": wamid,
            }
        )
        wamids.append(wamid)
    luck.shuffle(wave)
    await say(stage, wave)
    await delivered(stage)


async def check(stage: Theatre, asked: Asked) -> None:
    """Every message kept once, booked once, answered once, in order; every status where it belongs."""
    everything = {wamid for wamids in asked.values() for wamid in wamids}
    database = await asyncpg.connect(stage.servers.admin_url("munshi"))
    try:
        assert await database.fetch("select source, reason, detail from dead_letters") == []
        kept = await database.fetch("select message_id, disposition from inbound_messages")
        assert {row["message_id"] for row in kept} == everything
        assert {row["disposition"] for row in kept} == {"turn"}
        booked = await database.fetch("select message_id from transactions")
        assert len(booked) == len(everything)
        assert {row["message_id"] for row in booked} == everything
        states = await database.fetch("select wamid, state, reply_to from outbox")
    finally:
        await database.close()
    async with stage.emulator.client() as client:
        replies = await client.messages(direction="out", limit=20_000)
    answers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for reply in replies:
        answers[reply["phone_number_id"], reply["body"]["to"]].append(reply["body"]["context"]["message_id"])
    doubled = {
        who: len(given) - len(set(given)) for who, given in answers.items() if len(given) != len(set(given))
    }
    assert doubled == {}
    assert answers == asked
    assert {(row["wamid"], row["state"]) for row in states} == {(reply["wamid"], "read") for reply in replies}


async def play(folder: Path, total: int) -> None:
    luck = random.Random(SEED)
    sys.stdout.write(f"seed {SEED}, {total} messages\n")  # pytest shows it where the test fails
    async with theatre(folder) as stage:
        async with stage.emulator.client() as client:
            await client.fault("lose_answer", probability=0.02)
            await client.fault("timeout", probability=0.005)
            await client.fault("reset", probability=0.01)
            await client.fault("error", error_class="transient", probability=0.02)
            await client.delivery(duplicate=0.05, lost_ack=0.03, permute=True, linger_ms=20)
        chaos = Chaos(stage, luck)
        killing = asyncio.create_task(chaos.run())
        try:
            asked = await load(stage, total, luck)
        finally:
            killing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await killing  # it raises where something did not come back
        sys.stdout.write(f"killed and scaled: {chaos.kills}\n")
        async with stage.emulator.client() as client:
            await client.clear_faults()
        for _ in range(3):
            # Whoever got a lane since hears nothing of Meta, until somebody writes.
            await write_on(stage, asked, luck)
            with contextlib.suppress(AssertionError):
                await stage.quiet(3 * SETTLE_SECONDS)
                break
        await stage.quiet(240)
        await check(stage, asked)


@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    await play(tmp_path, QUICK)


@pytest.mark.faults
@pytest.mark.timeout(3600)
async def test_nothing_is_lost_or_doubled_under_long_load(tmp_path: Path) -> None:
    await play(tmp_path, LONG)
