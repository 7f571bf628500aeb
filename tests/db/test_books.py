"""PostgreSQL's books keep the same promises as those in memory (`tests/ledger/test_memory.py`)."""

import itertools
from collections.abc import Sequence

import pytest

from ledger.contract import Bench, BooksContract, Refused, add
from munshi.contracts.assistant import Effect, LedgerReader
from munshi.contracts.ids import MessageID
from munshi.db.ledger import LedgerBooks
from munshi.db.outbox import Outbox, SendResult
from munshi.db.turns import Committed, Conflict, PairLimit, Turns

from .conftest import SHARMA, Cells
from .scenes import NUMBER, Talk, message, talk, text


class PostgresBench:
    """Books written by whole turns."""

    def __init__(self, one: Talk) -> None:
        self._talk = one
        self._replies = itertools.count(1)

    def reader(self) -> LedgerReader:
        last = self._talk.last
        return LedgerBooks(self._talk.pool, SHARMA, last.user_id if last else None)

    async def turn(self, messages: Sequence[str], *effects: Effect) -> MessageID:
        given = await self._talk.turn(
            *(message(one) for one in messages),
            effects=effects,
            replies=[text("ji", reply_to=MessageID(messages[-1]))],
            claim=PairLimit(),
        )
        done = await self._talk.commit(given)
        if isinstance(done, Conflict):
            raise Refused(done.reason)
        assert isinstance(done, Committed), done
        self._talk.last = done
        return await self._sent(done)

    async def _sent(self, done: Committed) -> MessageID:
        wamid = MessageID(f"reply {next(self._replies)}")
        (row,) = done.outbox
        assert row.claimed
        result = SendResult(SHARMA, row.id, 1, self._talk.fence, "sent", wamid=wamid)
        await Outbox(self._talk.pool).settle([result])
        return wamid


class CarriedBench(PostgresBench):
    """The same; names come along with the turn."""

    def __init__(self, one: Talk) -> None:
        super().__init__(one)
        self._loaded: LedgerReader = LedgerBooks(one.pool, SHARMA, None)

    def reader(self) -> LedgerReader:
        return self._loaded

    async def _sent(self, done: Committed) -> MessageID:
        wamid = await super()._sent(done)
        one = self._talk
        loaded = await Turns(one.pool).load(SHARMA, NUMBER, one.who, [])
        assert loaded.customers is not None
        self._loaded = LedgerBooks(one.pool, SHARMA, done.user_id, loaded.customers)
        return wamid


@pytest.fixture(params=[PostgresBench, CarriedBench], ids=["asked", "carried"])
async def bench(request: pytest.FixtureRequest, cells: Cells) -> Bench:
    made: Bench = request.param(await talk(cells.pool, SHARMA))
    return made


class TestPostgresBooks(BooksContract):
    """The suite."""


async def test_many_names_are_asked_for(cells: Cells) -> None:
    """A turn brings only few along, so that a greeting does not carry thousands."""
    one = await talk(cells.pool, SHARMA)
    await one.say("A", *(add(f"A#{n}", "1", f"Grahak {n}") for n in range(50)))
    few = await Turns(one.pool).load(SHARMA, NUMBER, one.who, [])
    assert few.customers is not None
    assert len(few.customers) == 50
    await one.say("B", add("B#1", "1", "Ek aur"))
    many = await Turns(one.pool).load(SHARMA, NUMBER, one.who, [])
    assert many.customers is None
    assert one.last is not None
    books = LedgerBooks(one.pool, SHARMA, one.last.user_id, many.customers)
    assert len(await books.customers()) == 51
