"""Fair shares: so many at once, and among those who wait each tenant in turn."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator

from munshi.errors import Retryable


class FairShares:
    """One tenant's thousand pictures wait behind each other, not before somebody else's one."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._most = waiting
        """Of one tenant's that may wait."""
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Holds one place.

        Raises:
            Retryable: too many of this tenant's wait already.
        """
        await self._enter(tenant)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, tenant: str) -> None:
        if self._free > 0 and not self._lines:
            self._free -= 1
            return
        line = self._lines.setdefault(tenant, deque())
        if len(line) >= self._most:
            raise Retryable("too many files of one tenant wait to be read", delay=2.0)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # it was given a place in the very moment in which it gave up
            raise

    def _leave(self) -> None:
        """Gives the place to the next tenant in turn who still waits."""
        while self._lines:
            tenant, line = self._lines.popitem(last=False)
            turn = line.popleft()
            if line:
                self._lines[tenant] = line  # behind all others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
