"""How the client shares Triton out: turns by tenant, joined requests, kept answers, the circuit breaker."""

import asyncio
from collections.abc import Sequence
from datetime import date

import pytest

from munshi.contracts.media import EngineInfo
from munshi.contracts.understanding import Intent, Request, Understanding
from munshi.errors import Retryable
from munshi.shares import FairShare
from munshi_inference.answers import KeptAnswers
from munshi_inference.triton.breaker import Breaker
from munshi_inference.triton.coalescing import Coalescer

TODAY = date(2026, 11, 21)


async def settled() -> None:
    """Lets every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Readers:
    """Files of tenants, read one at a time; each ends when it is told to."""

    def __init__(self, at_once: int = 1, waiting: int = 1_000) -> None:
        self.shares = FairShare(at_once, waiting)
        self.begun: list[str] = []
        self.ends: list[asyncio.Event] = []

    async def read(self, tenant: str) -> None:
        async with self.shares.place(tenant):
            end = asyncio.Event()
            self.begun.append(tenant)
            self.ends.append(end)
            await end.wait()

    async def end_all(self) -> None:
        while any(not end.is_set() for end in self.ends):
            next(end for end in self.ends if not end.is_set()).set()
            await settled()


async def test_a_flood_of_one_tenant_lets_the_others_in_each_turn() -> None:
    readers = Readers()
    work = [asyncio.create_task(readers.read("flood")) for _ in range(20)]
    await settled()
    work += [asyncio.create_task(readers.read(tenant)) for tenant in ("one", "two", "one")]
    await settled()
    await readers.end_all()
    await asyncio.gather(*work)
    # One is under way, and one waited before the others came.
    assert readers.begun[:6] == ["flood", "flood", "one", "two", "flood", "one"]
    assert len(readers.begun) == 23


async def test_who_gives_up_waiting_takes_no_turn() -> None:
    readers = Readers()
    first, second, third = (asyncio.create_task(readers.read(name)) for name in ("a", "b", "c"))
    await settled()
    second.cancel()
    await settled()
    await readers.end_all()
    await asyncio.gather(first, third)
    assert readers.begun == ["a", "c"]
    async with asyncio.timeout(60), readers.shares.place("d"):
        pass  # the place is free again


async def test_who_gives_up_in_the_moment_of_getting_a_turn_passes_it_on() -> None:
    readers = Readers()
    first, second, third = (asyncio.create_task(readers.read(name)) for name in ("a", "b", "c"))
    await settled()
    readers.ends[0].set()
    await asyncio.sleep(0)  # the first wakes up and hands its place on
    second.cancel()
    await settled()
    await readers.end_all()
    await asyncio.gather(first, third)
    assert readers.begun == ["a", "c"]


async def test_only_so_many_of_a_tenant_may_wait() -> None:
    readers = Readers(waiting=2)
    work = [asyncio.create_task(readers.read("flood")) for _ in range(3)]
    await settled()
    with pytest.raises(Retryable):
        await readers.read("flood")
    work.append(asyncio.create_task(readers.read("other")))
    await settled()
    await readers.end_all()
    await asyncio.gather(*work)
    assert sorted(readers.begun) == ["flood", "flood", "flood", "other"]


class Wire:
    """Answers each row in capitals, when it is told to."""

    def __init__(self) -> None:
        self.requests: list[list[bytes]] = []
        self.cancelled = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def send(self, rows: Sequence[bytes]) -> list[bytes]:
        self.requests.append(list(rows))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return [row.upper() for row in rows]


async def test_rows_that_wait_leave_together_and_each_gets_its_own_result() -> None:
    wire = Wire()
    coalescer = Coalescer(wire.send, most=4, under_way=1)
    work = [asyncio.create_task(coalescer.ask(b"row %d" % number)) for number in range(7)]
    await settled()
    assert [len(rows) for rows in wire.requests] == [4]
    wire.go.set()
    assert await asyncio.gather(*work) == [b"ROW %d" % number for number in range(7)]
    assert [len(rows) for rows in wire.requests] == [4, 3]


async def test_a_request_ends_with_the_last_who_wants_it() -> None:
    wire = Wire()
    coalescer = Coalescer(wire.send, most=4, under_way=1)
    one, two = (asyncio.create_task(coalescer.ask(row)) for row in (b"a", b"b"))
    await settled()
    one.cancel()
    await settled()
    assert wire.cancelled == 0
    two.cancel()
    await settled()
    assert wire.cancelled == 1
    wire.go.set()
    assert await coalescer.ask(b"c") == b"C"


async def test_a_row_that_nobody_wants_any_more_is_not_sent() -> None:
    wire = Wire()
    coalescer = Coalescer(wire.send, most=4, under_way=1)
    first, second = asyncio.create_task(coalescer.ask(b"a")), None
    await settled()
    second = asyncio.create_task(coalescer.ask(b"b"))
    third = asyncio.create_task(coalescer.ask(b"c"))
    await settled()
    second.cancel()
    await settled()
    wire.go.set()
    assert (await first, await third) == (b"A", b"C")
    assert wire.requests == [[b"a"], [b"c"]]


async def test_all_of_a_request_that_fails_are_told() -> None:
    wire = Wire()
    wire.error = Retryable("away")
    wire.go.set()
    coalescer = Coalescer(wire.send, most=4, under_way=1)
    ends = await asyncio.gather(*(coalescer.ask(b"x") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(end, Retryable) for end in ends)
    wire.error = None
    assert await coalescer.ask(b"y") == b"Y"


async def test_the_breaker_opens_after_failures_in_a_row_and_closes_when_all_is_well_again() -> None:
    well = asyncio.Event()

    async def probe() -> bool:
        return well.is_set()

    breaker = Breaker("model", probe)
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    assert breaker.closed
    breaker.failed()
    assert not breaker.closed
    well.set()
    async with asyncio.timeout(60):
        while not breaker.closed:
            await asyncio.sleep(0.01)
    breaker.failed(at_once=True)
    assert not breaker.closed
    await breaker.close()


class Counting:
    """Reads a text as a greeting, or as nothing; counts."""

    def __init__(self) -> None:
        self.asked = 0

    async def understand(self, request: Request) -> Understanding:
        self.asked += 1
        sure = 0.0 if request.text == "?" else 0.9
        masked = "masked" if request.mask else None
        return Understanding(text=request.text, intent=Intent.GREET, confidence=sure, masked=masked)


@pytest.mark.parametrize(
    ("other", "asked"),
    [
        (Request(text="namaste", today=TODAY), 1),
        (Request(text="namaste", today=TODAY, mask=True), 2),
        (Request(text="namaste", today=date(2026, 11, 22)), 2),
        (Request(text="namaste", today=TODAY, currency="LKR"), 2),
        (Request(text="namaste", today=TODAY, assistant="Sales"), 2),
    ],
)
async def test_only_the_very_same_request_is_answered_from_memory(other: Request, asked: int) -> None:
    counting = Counting()
    kept = KeptAnswers(counting, EngineInfo("nlu", "counting", "in-process"))
    await kept.understand(Request(text="namaste", today=TODAY))
    assert ((await kept.understand(other)).masked is not None) == other.mask
    assert counting.asked == asked


async def test_memory_is_bounded_and_what_nobody_could_read_is_not_kept() -> None:
    counting = Counting()
    kept = KeptAnswers(counting, EngineInfo("nlu", "counting", "in-process"), size=10)
    for text in ["?", "?", *(str(number) for number in range(11)), "10", "0"]:
        await kept.understand(Request(text=text, today=TODAY))
    assert counting.asked == 2 + 11 + 1  # "10" was still there, "0" had been dropped
