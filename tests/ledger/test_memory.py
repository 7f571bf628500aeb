"""The books in memory, on which the Ledger's tests stand, pass the suite of PostgreSQL's (`tests/db`)."""

import itertools
from collections.abc import Sequence

import pytest

from munshi.contracts.assistant import Effect, LedgerReader
from munshi.contracts.ids import MessageID

from .contract import Bench, BooksContract, Refused
from .memory import MemoryBooks, NotAsSeenError
from .shop import START


class MemoryBench:
    """Books in memory."""

    def __init__(self) -> None:
        self._books = MemoryBooks()
        self._replies = itertools.count(1)

    def reader(self) -> LedgerReader:
        return self._books

    async def turn(self, messages: Sequence[str], *effects: Effect) -> MessageID:
        said = tuple(MessageID(message) for message in messages)
        try:
            self._books.apply(effects, START, said)
        except NotAsSeenError as error:
            raise Refused from error
        reply = MessageID(f"reply {next(self._replies)}")
        self._books.replies[reply] = said
        return reply


@pytest.fixture
def bench() -> Bench:
    return MemoryBench()


class TestMemoryBooks(BooksContract):
    """The suite."""
