"""Tasks that end when they are told to, over libraries that lose a cancellation.

`asyncio.wait_for` loses one before Python 3.12 when its answer comes in the same turn of the loop, nats-py
does while it flushes. Whoever then waits for the task to end waits for ever.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

Got = TypeVar("Got")

_PATIENCE_SECONDS = 1.0
"""What a task may take to end before it is told again: far more than a plain ending takes."""


async def end(*tasks: "asyncio.Future[Any]") -> None:
    """Cancels tasks, again and again if need be, and waits until all have ended. Their results are dropped.

    For tasks that end in a moment: one that still tidies up after a second is interrupted.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_PATIENCE_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, so that the loop does not report it as forgotten


async def until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Does a program's work; SIGTERM or SIGINT cancels it, and it then ends in its own time."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def firm(work: Awaitable[Got]) -> Got:
    """Awaits what a library does; a cancellation that was lost meanwhile is raised after all.

    For tasks that take their time to end, and so may be told only once.
    """
    result = await work
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    return result
