"""Processes that read pages side by side, one core each. One that dies or hangs is replaced, unnoticed.

Who waits is served by turns of the tenants: a thousand pictures of one leave the others their place.
"""

import asyncio
import contextlib
import multiprocessing
import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from munshi.contracts.media import FileRef, ReadHints
from munshi.errors import Permanent, Retryable
from munshi_inference.documents.worker import Answer, serve

START_SECONDS = 90.0
"""Longest wait for a worker's models: 2 s on an idle machine."""

Target = Callable[[Connection, Path | None], None]


class WorkerDied(Exception):
    """The process ended in the middle of a page."""


class WorkerHangs(Exception):
    """The process gave no answer in time; it was killed."""


class Worker:
    """One process. Its methods block; the pool calls them in threads."""

    def __init__(self, models: Path | None, target: Target = serve) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=target, args=(other, models), daemon=True, name="munshi-reader"
        )
        self._process.start()
        other.close()
        self._ready = False

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def start(self, seconds: float = START_SECONDS) -> None:
        """Waits until the models are loaded.

        Raises:
            WorkerDied, WorkerHangs: they cannot be; the message says why.
        """
        if not self._ready:
            said = self._receive(seconds)
            if said != "ready":
                self.kill()
                raise WorkerDied(str(said))
            self._ready = True

    def ask(self, file: FileRef, hints: ReadHints, seconds: float) -> Answer:
        """Has one file read.

        Raises:
            WorkerDied, WorkerHangs: the worker is of no use any more.
        """
        self.start()
        try:
            self._pipe.send((file, hints))
        except (BrokenPipeError, OSError) as error:
            self.kill()
            raise WorkerDied("ended before it was asked") from error
        answer: Answer = self._receive(seconds)
        return answer

    def _receive(self, seconds: float) -> Any:
        try:
            if self._pipe.poll(max(seconds, 0.0)):
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            self.kill()
            raise WorkerDied(f"ended with {self._process.exitcode}") from error
        self.kill()
        raise WorkerHangs(f"no answer in {seconds:.0f} s")

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.join(5.0)
        self._pipe.close()


class Turns:
    """Who waits for a worker, in turns of the tenants."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[asyncio.Future[Worker]]] = OrderedDict()

    def wait(self, tenant: str) -> asyncio.Future[Worker]:
        """A place in the tenant's line."""
        place: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(place)
        return place

    def give(self, worker: Worker) -> bool:
        """Gives a worker to the next tenant's first; whether anybody took it."""
        while self._waiting:
            tenant, line = self._waiting.popitem(last=False)
            place = line.popleft()
            if line:
                self._waiting[tenant] = line
            if not place.done():
                place.set_result(worker)
                return True
        return False

    def __len__(self) -> int:
        return sum(len(line) for line in self._waiting.values())


def default_size() -> int:
    """Half of the cores that this process may use: the rest is for conversations."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


class Pool:
    """Workers, started when they are first needed, at most `size`."""

    def __init__(self, size: int | None = None, models: Path | None = None, target: Target = serve) -> None:
        self.size = size or default_size()
        self._models = models
        self._target = target
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._turns = Turns()
        self._closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes there are."""
        return tuple(worker.pid for worker in self._all if worker.pid is not None)

    def _new(self) -> Worker:
        worker = Worker(self._models, self._target)
        self._all.add(worker)
        return worker

    async def _take(self, tenant: str) -> Worker:
        if self._closed:
            raise Retryable("the readers are shut")
        if self._idle:
            return self._idle.pop()
        if len(self._all) < self.size:
            return self._new()
        return await self._turns.wait(tenant)

    def _put(self, worker: Worker) -> None:
        if worker not in self._all:
            return
        if self._closed:
            self._drop(worker)
        elif not self._turns.give(worker):
            self._idle.append(worker)

    def _drop(self, worker: Worker) -> None:
        """Forgets a worker; who waits gets a new one."""
        self._all.discard(worker)
        worker.kill()
        if len(self._turns) and not self._closed:
            fresh = self._new()
            if not self._turns.give(fresh):
                self._idle.append(fresh)

    async def warm(self) -> None:
        """Starts one worker and waits for its models. Raises `WorkerDied`, `WorkerHangs`."""
        worker = await self._take("")
        try:
            await asyncio.to_thread(worker.start)
        except (WorkerDied, WorkerHangs):
            self._drop(worker)
            raise
        self._put(worker)

    async def read(self, file: FileRef, hints: ReadHints) -> Answer:
        """Has one file read, within `hints.seconds` with the time of waiting.

        Raises:
            Retryable: nobody was free in time, or the reading took too long.
            Permanent: the file killed two workers.
        """
        deadline = time.monotonic() + hints.seconds
        for last in (False, True):
            try:
                worker = await asyncio.wait_for(self._take(hints.tenant), hints.seconds)
            except TimeoutError as error:
                raise Retryable("all readers are busy", delay=5.0) from error
            try:
                return await self._ask(worker, file, hints, deadline)
            except WorkerHangs as error:
                raise Retryable(f"reading took too long: {error}", delay=5.0) from error
            except WorkerDied as error:
                if last:
                    raise Permanent(f"the reader dies of this file: {error}", reason="unreadable") from error
        raise AssertionError("unreachable")

    async def _ask(self, worker: Worker, file: FileRef, hints: ReadHints, deadline: float) -> Answer:
        """Asks in a thread. Whoever stops waiting leaves the worker to finish; it is put back then."""

        def work() -> Answer:
            worker.start()
            return worker.ask(file, hints, max(0.5, deadline - time.monotonic()))

        asked = asyncio.ensure_future(asyncio.to_thread(work))
        asked.add_done_callback(lambda done: self._after(worker, done))
        return await asyncio.shield(asked)

    def _after(self, worker: Worker, done: "asyncio.Future[Answer]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._drop(worker)
        else:
            self._put(worker)

    async def close(self) -> None:
        """Ends all processes."""
        self._closed = True
        for worker in list(self._all):
            with contextlib.suppress(OSError, ValueError):
                worker.kill()
        self._all.clear()
        self._idle.clear()
