"""Processes that open what strangers made. One that hangs or dies is replaced; nothing else is lost by it."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused

_log = structlog.get_logger()

_PR_SET_PDEATHSIG = 1
_TRIES = 2
"""A worker may die of the system's want of memory; a file that kills two is at fault itself."""

Got = TypeVar("Got")


class Workers:
    """A number of slots, a process each, started when it is first needed."""

    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._slots = [_Slot() for _ in range(count)]
        self._free: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()
        for slot in self._slots:
            self._free.put_nowait(slot)

    async def run(self, work: Callable[..., Got], *arguments: Any) -> Got:
        """Runs `work` (a function of a module) in a process.

        Raises:
            FileRefused: malformed, where no process came to an end with it in time; or what `work` raises.
        """
        for _ in range(_TRIES):
            slot = await self._free.get()
            try:
                return await slot.run(work, arguments, self._seconds)
            except (BrokenProcessPool, TimeoutError) as error:
                _log.warning("worker_replaced", work=work.__name__, reason=type(error).__name__)
                await asyncio.to_thread(slot.replace)
            except asyncio.CancelledError:
                slot.replace()
                raise
            finally:
                self._free.put_nowait(slot)
        raise FileRefused(Refusal.MALFORMED, f"{work.__name__} does not come to an end with it")

    def close(self) -> None:
        """Ends all processes."""
        for slot in self._slots:
            slot.replace()


class _Slot:
    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[..., Got], arguments: tuple[Any, ...], seconds: float) -> Got:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(),),
            )
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._pool, _judged, work, *arguments)
        result = await asyncio.wait_for(running, seconds)
        if isinstance(result, _Refused):
            raise FileRefused(result.refusal, result.detail)
        return result

    def replace(self) -> None:
        """Ends the process, whatever it does; the next work starts a fresh one."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        # The library has no public way to end a process that hangs before Python 3.14.
        for process in list((pool._processes or {}).values()):  # noqa: SLF001
            with contextlib.suppress(ProcessLookupError, ValueError):
                process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal on its way between processes, which an exception of several arguments does not survive."""

    refusal: Refusal
    detail: str


def _judged(work: Callable[..., Got], *arguments: Any) -> Got | _Refused:
    try:
        return work(*arguments)
    except FileRefused as refused:
        return _Refused(refused.refusal, str(refused))


def _begin(parent: int) -> None:
    """In the new process: signals to the group are the parent's to judge; it dies with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
