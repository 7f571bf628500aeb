"""Joins what is asked at the same time into one request: a call of gRPC costs more than reading a text."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

Send = Callable[[Sequence[bytes]], Awaitable[list[bytes]]]


class Coalescer:
    """Rows that wait while requests are under way leave together in the next; nobody waits for company."""

    def __init__(self, send: Send, most: int, under_way: int) -> None:
        self._send = send
        self._most = most
        self._free = under_way
        self._waiting: deque[tuple[bytes, asyncio.Future[bytes]]] = deque()
        self._woken = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, row: bytes) -> bytes:
        """The result of a row. Raises what sending raises. Cancelling the last of a request cancels it."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[bytes] = loop.create_future()
        self._waiting.append((row, result))
        if self._free and not self._woken:
            self._woken = True
            loop.call_soon(self._start)  # after what else this very round of the loop asks
        return await result

    def _start(self) -> None:
        self._woken = False
        while self._free and self._waiting:
            size = min(self._most, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(size)]
            wanted = [(row, result) for row, result in taken if not result.done()]
            if not wanted:
                continue
            self._free -= 1
            task = asyncio.create_task(self._carry(wanted))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        self._start()

    async def _carry(self, wanted: list[tuple[bytes, asyncio.Future[bytes]]]) -> None:
        results = [result for _, result in wanted]
        own = asyncio.current_task()

        def given_up(result: asyncio.Future[bytes]) -> None:
            if own is not None and result.cancelled() and all(one.done() for one in results):
                own.cancel()

        for result in results:
            result.add_done_callback(given_up)
        try:
            rows = await self._send([row for row, _ in wanted])
        except asyncio.CancelledError:
            for result in results:
                result.cancel()
            raise
        except Exception as error:  # noqa: BLE001 (each who asked is told)
            for result in results:
                if not result.done():
                    result.set_exception(error)
            return
        for result, row in zip(results, rows, strict=True):
            if not result.done():
                result.set_result(row)
