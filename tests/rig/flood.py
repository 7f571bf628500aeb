"""Customers who send pictures of receipts faster than they are read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from munshi_emulator.client import EmulatorClient
from rig.receipts import GUPTA, receipt

_WAITING = 12
"""Pictures that wait for their answer at most: enough for a queue, and soon over."""


@dataclass
class Flood:
    """Each picture is another receipt of another person."""

    meta: EmulatorClient
    numbers: Sequence[str]
    name: str
    """Tells its people from others; digits."""
    people: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Sends while the block runs."""
        ended = asyncio.Event()

        async def send() -> None:
            while not ended.is_set():
                waiting = len(await self.unanswered())
                for number in self.numbers if waiting < _WAITING else ():
                    await self._one(number)
                await asyncio.sleep(0.2)

        sending = asyncio.create_task(send())
        try:
            yield
        finally:
            ended.set()
            await sending

    async def _one(self, number: str) -> None:
        count = len(self.people)
        person = f"91{self.name}{count:0{10 - len(self.name)}d}"
        lines = [line.format(date="04/11/2026").replace("GT-1743", f"GT-{2000 + count}") for line in GUPTA]
        self.people.append(person)
        await self.meta.send_file(number, person, receipt(lines), "image/jpeg")

    async def unanswered(self) -> set[str]:
        """Who was not yet told what stands on the receipt."""
        said = await self.meta.messages(direction="out", limit=20_000)
        return set(self.people) - {one["body"]["to"] for one in said if "640" in str(one["body"])}

    async def answered(self, seconds: float = 240) -> None:
        """Waits until everybody was told.

        Raises:
            AssertionError: somebody was not after that time.
        """
        try:
            async with asyncio.timeout(seconds):
                while await self.unanswered():
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"not told: {await self.unanswered()}") from None
