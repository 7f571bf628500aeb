"""Requests for the same thing at the same time are one piece of work."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from munshi_media.watch import Watch

Got = TypeVar("Got")


class Joining(Generic[Got]):
    """Work under way, by what it is for."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[asyncio.Task[Got], Watch]] = {}

    async def __call__(self, key: Hashable, watch: Watch, work: Callable[[Watch], Awaitable[Got]]) -> Got:
        """The result of the work for this key: of that under way, or of fresh work. `watch` shows how far it
        is, whoever began it.

        Who asks may leave; the work goes on for the others and is there when it is asked for again.
        """
        running = self._running.get(key)
        if running is None:
            shown = Watch()
            task = asyncio.ensure_future(_as_coroutine(work, shown))
            running = self._running[key] = task, shown
            task.add_done_callback(lambda done: self._forget(key, done))
        task, shown = running
        watch.follow(shown)
        return await asyncio.shield(task)

    async def settled(self, concerns: Callable[[Hashable], bool]) -> None:
        """Waits until the work under way for such keys is over, however it ends."""
        tasks = [task for key, (task, _) in self._running.items() if concerns(key)]
        if tasks:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Ends all work under way."""
        tasks = [task for task, _ in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: Hashable, done: "asyncio.Task[Got]") -> None:
        running = self._running.get(key)
        if running is not None and running[0] is done:
            del self._running[key]
        if not done.cancelled():
            done.exception()  # looked at: who asked may have left


async def _as_coroutine(work: Callable[[Watch], Awaitable[Got]], shown: Watch) -> Got:
    return await work(shown)
