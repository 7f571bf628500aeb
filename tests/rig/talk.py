"""Customers who go on talking while things happen to the platform, and what must become of their words."""

import asyncio
import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from munshi_emulator.client import EmulatorClient

EACH_MOST = 40
"""Messages of one person: within the burst of 45 that Meta's pair limit allows a reply to each."""

_names = itertools.count(100)


@dataclass
class Talk:
    """Waves of messages, one of each person a wave; the next when ingress has taken them all, since only then
    their places in the order are fixed."""

    meta: EmulatorClient
    numbers: Sequence[str]
    people: int = 3
    """People of each number."""
    name: str = field(default_factory=lambda: str(next(_names)))
    """Tells this talk's messages and people from others'; digits."""
    asked: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    longest: float = 0.0
    """Seconds until ingress had taken a wave, at the most."""

    @property
    def wamids(self) -> list[str]:
        """Every message said."""
        return [wamid for wamids in self.asked.values() for wamid in wamids]

    async def wave(self, *, taken: bool = True) -> None:
        """Everybody says one thing; with `taken`, waits until ingress has taken it."""
        messages = []
        for number in self.numbers:
            for person in range(self.people):
                who = f"91{self.name}{person:0{10 - len(self.name)}d}"
                wamids = self.asked[number, who]
                wamid = f"wamid.E2E{self.name}N{number}P{person}M{len(wamids)}"
                wamids.append(wamid)
                messages.append(
                    {
                        "phone_number_id": number,
                        "person": who,
                        "text": f"Ramesh ko {100 + len(wamids)} udhaar diya",
                        "wamid": wamid,
                        "idempotency_key": wamid,
                    }
                )
        began = time.monotonic()
        await self.meta.send_many(messages)
        if taken:
            await self.taken()
            self.longest = max(self.longest, time.monotonic() - began)

    async def taken(self, seconds: float = 120) -> None:
        """Waits until every message said so far was answered 200.

        Raises:
            AssertionError: some are not after that time; with what the platform said to them last.
        """
        async with _bound(seconds, self.untaken):
            while await self.untaken():
                await asyncio.sleep(0.05)

    async def untaken(self) -> list[Any]:
        """Messages that ingress has not answered by 200, counted by how far they are."""
        counts = (await self.meta.counts())["updates"]
        return [
            (name, count)
            for name, count in counts.items()
            if count and name.startswith("message.") and "deliver" not in name
        ]

    @contextlib.asynccontextmanager
    async def going_on(self, pause: float = 0.5) -> AsyncIterator[None]:
        """Talks steadily while the block runs, each person up to the pair limit; ends with a whole wave."""
        ended = asyncio.Event()

        async def talk() -> None:
            for _ in range(EACH_MOST):
                await self.wave()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await ended.wait()
                if ended.is_set():
                    return

        talking = asyncio.create_task(talk())
        try:
            yield
        finally:
            ended.set()
            await talking

    async def others_write_until(self, settled: Callable[[], bool], seconds: float = 240) -> None:
        """Others write to the same numbers until `settled`.

        A send whose answer was lost with its worker is sent again only when later things are heard of Meta
        (docs/decisions/0009).
        """
        said = 0

        def done() -> bool:
            with contextlib.suppress(AssertionError):  # who is asked may be away still
                return settled()
            return False

        async with _bound(seconds, self._unanswered):
            while not await asyncio.to_thread(done):
                for number in self.numbers:
                    await self.meta.say(number, f"9198{self.name}{said // 20:0{8 - len(self.name)}d}", "help")
                said += 1
                await asyncio.sleep(2)

    async def answered(self, seconds: float = 180) -> None:
        """Waits until each message has its answer, and no more: once each, in order, in every conversation.

        Raises:
            AssertionError: it is not so after that time; with the difference.
        """
        async with _bound(seconds, self._unanswered):
            while await self._unanswered():
                await asyncio.sleep(0.1)
        found = await self.answers()
        wrong = {who: (found.get(who), said) for who, said in self.asked.items() if found.get(who) != said}
        assert not wrong, f"answered, said: {wrong}"

    async def answers(self) -> dict[tuple[str, str], list[str]]:
        """What was answered to the people of this talk: ids of their messages in the order of answers."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for reply in await self.meta.messages(direction="out", limit=20_000):
            who = reply["phone_number_id"], reply["body"]["to"]
            answered = reply["body"].get("context", {}).get("message_id", "")
            if answered.startswith(f"wamid.E2E{self.name}N"):  # not what somebody asked beside it
                found[who].append(answered)
        return dict(found)

    async def _unanswered(self) -> dict[Any, Any]:
        found = await self.answers()
        return {
            who: set(wamids) - set(found.get(who, ()))
            for who, wamids in self.asked.items()
            if not set(wamids) <= set(found.get(who, ()))
        }


@contextlib.asynccontextmanager
async def _bound(seconds: float, missing: Any) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise AssertionError(f"after {seconds} s still missing: {await missing()}") from None
