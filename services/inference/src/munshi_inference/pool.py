"""Engines that compute for long, each in a process of its own: one that hangs, dies or eats memory is
replaced and takes nothing else with it."""

import asyncio
import multiprocessing
import multiprocessing.connection
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

import structlog

from munshi.errors import Permanent, Retryable

_log = structlog.get_logger()
_SPAWN = multiprocessing.get_context("spawn")
_NICE = 5
"""Below the services: a page may take a moment longer, a webhook may not."""

Engine = TypeVar("Engine")


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Failed:
    message: str
    reason: str | None
    """Of a permanent failure; `None` where it may succeed later."""


def _serve(build: Callable[[], Any], pipe: "multiprocessing.connection.Connection[Any, Any]") -> None:
    """The worker's own side: until the pipe is closed, which a dead parent does too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends its workers
    os.nice(_NICE)
    engine = build()
    while True:
        try:
            call: _Call = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_answered(engine, call))


def _answered(engine: Any, call: _Call) -> Any:
    try:
        return getattr(engine, call.method)(*call.arguments)
    except Retryable as error:
        return _Failed(str(error), None)
    except Permanent as error:
        return _Failed(str(error), error.reason)
    except MemoryError:
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - an engine's own defect at one file; it is named, not raised here
        return _Failed(type(error).__name__, "engine_failed")


class _Worker:
    """One process."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self.process: SpawnProcess = _SPAWN.Process(target=_serve, args=(build, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def exchange(self, call: _Call, seconds: float) -> Any:
        """Blocks. Raises: `Retryable`: it died or did not answer in time; it is good for nothing then."""
        try:
            self._pipe.send(call)
            multiprocessing.connection.wait([self._pipe, self.process.sentinel], seconds)
            if self._pipe.poll():
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise Retryable("the engine's process died") from error
        died = not self.process.is_alive()
        raise Retryable("the engine's process died" if died else f"the engine took over {seconds:.0f} s")

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


class Pool(Generic[Engine]):
    """As many workers as `size`, started when first needed."""

    def __init__(self, name: str, build: Callable[[], Engine], size: int = 1) -> None:
        """`build` is called in each worker; it must be importable there (a function of a module, or a
        `functools.partial` of one)."""
        self._name = name
        self._build = build
        self._idle: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._idle.put_nowait(None)
        self._workers: set[_Worker] = set()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def call(self, method: str, *arguments: Any, seconds: float) -> Any:
        """Calls a method of the engine in a worker. The wait for a free worker counts into `seconds`.

        Raises:
            Retryable: it died, took too long, or all are busy for so long; or the engine said so.
            Permanent: this call makes it fail.
        """
        until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                worker = await self._idle.get()
        except TimeoutError as error:
            raise Retryable(f"all engines of {self._name} are busy") from error
        work = asyncio.create_task(self._work(worker, _Call(method, arguments), until))
        # A caller that goes away leaves the worker to finish: to start another costs more.
        answer = await asyncio.shield(work)
        if isinstance(answer, _Failed):
            raise (
                Retryable(answer.message)
                if answer.reason is None
                else Permanent(answer.message, answer.reason)
            )
        return answer

    async def _work(self, worker: _Worker | None, call: _Call, until: float) -> Any:
        loop = asyncio.get_running_loop()
        left: _Worker | None = None
        try:
            if worker is None or not worker.process.is_alive():
                worker = await loop.run_in_executor(self._threads, self._started, worker)
            answer = await loop.run_in_executor(
                self._threads, worker.exchange, call, max(0.01, until - loop.time())
            )
            left = worker
        except Retryable as error:
            _log.warning("engine_replaced", engine=self._name, reason=str(error))
            if worker is not None:
                self._drop(worker)
            return _Failed(str(error), None)
        finally:
            self._idle.put_nowait(left)
        return answer

    def _started(self, dead: _Worker | None) -> _Worker:
        if dead is not None:
            self._drop(dead)
        worker = _Worker(self._build)
        self._workers.add(worker)
        return worker

    def _drop(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        worker.kill()

    def close(self) -> None:
        """Ends all workers at once; what they were at comes back as `Retryable`."""
        for worker in list(self._workers):
            self._drop(worker)
        self._threads.shutdown(wait=False)
