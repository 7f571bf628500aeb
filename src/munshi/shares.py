"""Fair shares: of what waits for a place, each tenant gets one in turn, whatever number it has waiting."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator

from munshi.errors import Retryable


class FairShare:
    """A number of places. Within a tenant, first come first served; between tenants, one each in turn."""

    def __init__(self, places: int, most_waiting: int | None = None) -> None:
        """`most_waiting`: of one tenant; by default any number."""
        self._free = places
        self._most = most_waiting
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.waiting = 0
        """How many wait, all tenants together."""

    @property
    def free(self) -> bool:
        """Whether a place is to be had without waiting."""
        return self._free > 0

    @contextlib.asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """Waits for a place, and gives it up at the end.

        Raises:
            Retryable: too many of this tenant's wait already.
        """
        await self._take(tenant)
        try:
            yield
        finally:
            self._give_up()

    async def _take(self, tenant: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        if self._most is not None and len(self._queues.get(tenant, ())) >= self._most:
            raise Retryable("too much of one tenant waits already", delay=2.0)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(turn)
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_up()  # it was given a place in the moment in which it left
            raise
        finally:
            self.waiting -= 1

    def _give_up(self) -> None:
        while self._queues:
            tenant, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[tenant] = queue  # its next one waits behind the other tenants
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
