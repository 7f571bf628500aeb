"""The machine's wall clock is set forwards and backwards while leases, rates and windows run.

Under it: PostgreSQL, ingress and two orchestrators. Not under it: nats-server, which takes no time from the C
library, and the emulator, whose clock is moved by its own door.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from faults.test_everything_dies import SEED, check, delivered, say
from faults.theatre import NUMBERS, Theatre, theatre
from rig.clocks import MovableClock, movable_clock

HOUR = 3600
PEOPLE = 20


class Talk:
    """What was asked by whom, in order."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.asked: dict[tuple[str, str], list[str]] = {}
        self._said = 0

    async def wave(self, stage: Theatre, luck: random.Random) -> None:
        """One message of each person on one of the numbers."""
        wave = []
        for n in range(PEOPLE):
            key = (NUMBERS[n % len(NUMBERS)], f"9198200{n:05d}")
            wamid = f"wamid.CLOCK{self._said:06d}"
            self._said += 1
            wave.append(
                {
                    "phone_number_id": key[0],
                    "person": key[1],
                    "text": f"Ramesh ko {100 + self._said} udhaar diya",
                    "wamid": wamid,
                    "idempotency_key": wamid,
                }
            )
            self.asked.setdefault(key, []).append(wamid)
        luck.shuffle(wave)
        await say(stage, wave)
        await delivered(stage)


@asynccontextmanager
async def clocked_theatre(folder: Path) -> AsyncIterator[tuple[Theatre, MovableClock]]:
    with movable_clock(folder) as clock:
        async with theatre(folder, environment=clock.environment) as stage:
            yield stage, clock


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [2 * HOUR, -20, -2 * HOUR])
async def test_a_clock_that_is_set_stops_and_doubles_nothing(tmp_path: Path, seconds: int) -> None:
    luck, talk = random.Random(SEED), Talk()
    async with clocked_theatre(tmp_path) as (stage, clock):
        await talk.wave(stage, luck)
        await stage.quiet(150)
        await talk.wave(stage, luck)
        clock.jump(seconds)
        # Said while the jump is seen, by one process after the other; then work goes on as before.
        for _ in range(4):
            await talk.wave(stage, luck)
            await asyncio.sleep(luck.uniform(0.0, 0.5))  # the jump may meet any moment of the work
        await stage.quiet(150)
        await check(stage, talk.asked)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [2 * HOUR, -20, -2 * HOUR])
async def test_lanes_of_a_worker_that_dies_at_a_jump_are_taken_over(tmp_path: Path, seconds: int) -> None:
    luck, talk = random.Random(SEED), Talk()
    async with clocked_theatre(tmp_path) as (stage, clock):
        await talk.wave(stage, luck)
        await stage.quiet(150)
        stage.workers["one"].kill()
        clock.jump(seconds)
        for _ in range(2):
            await talk.wave(stage, luck)
        await stage.quiet(150)
        await check(stage, talk.asked)
