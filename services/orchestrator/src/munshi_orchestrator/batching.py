"""What many ask of the database at once goes together, while the batch before is under way: group commit,
and reads alike."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from munshi.errors import Permanent
from munshi.tasks import end
from munshi_orchestrator.passing import PASSING, delay_of

_log = structlog.get_logger()

Given = TypeVar("Given")
Got = TypeVar("Got")

_RETRY_SECONDS = 0.25


class Batcher(Generic[Given, Got]):
    """Gathers single pieces of work into batches for `write`, which answers each in order.

    Nothing waits for a batch to fill: the first piece goes at once, and what comes meanwhile goes together.
    A passing error is tried again for ever (whoever asks may be cancelled), or told to all of the batch where
    `again` is false; one that is final is narrowed down to the piece that causes it.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Given]], Awaitable[Sequence[Got]]],
        most: int = 200,
        *,
        again: bool = True,
    ) -> None:
        self._write = write
        self._most = most
        self._again = again
        self._waiting: list[tuple[Given, asyncio.Future[Got]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, piece: Given) -> Got:
        """Writes one piece, together with others.

        Raises:
            Permanent: this piece can never be written.
            Retryable: something is away, and `again` is false.
        """
        future: asyncio.Future[Got] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await future

    async def close(self) -> None:
        """Stops writing. Whoever still waits is cancelled."""
        if self._task is not None:
            await end(self._task)
        for _, future in self._waiting:
            future.cancel()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._settle(batch)
        finally:
            self._task = None

    async def _settle(self, batch: list[tuple[Given, "asyncio.Future[Got]"]]) -> None:
        try:
            answers = await self._until_written([piece for piece, _ in batch])
        except Permanent as error:
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(error)
                return
            half = len(batch) // 2
            await self._settle(batch[:half])
            await self._settle(batch[half:])
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - told to whoever asked; the batcher lives on
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _until_written(self, pieces: Sequence[Given]) -> Sequence[Got]:
        while True:
            try:
                return await self._write(pieces)
            except PASSING as error:
                if not self._again:
                    raise
                _log.warning("batch_retried", reason=str(error), pieces=len(pieces))
                await asyncio.sleep(max(delay_of(error), _RETRY_SECONDS))
