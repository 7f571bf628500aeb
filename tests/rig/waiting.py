"""Waiting for what comes about by itself: asked again and again, and given up late.

How long a machine takes is no property of what is tested, so the patience is generous: it is there only so
that a test ends. A test whose promise is quickness says so by a deadline of its own, and why it holds.
"""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, NoReturn

PATIENCE_SECONDS = 60.0
"""Below pytest's own timeout, so that a failure says what was waited for."""


def wait_for(check: Callable[[], Any], what: str = "", seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true answer of `check`. Blocks; asks once more when time is up."""
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= end
        if found := check():
            return found
        if late:
            _fail(check, what, seconds, found)
        time.sleep(0.02)


async def eventually(
    check: Callable[[], Any], what: str = "", seconds: float = PATIENCE_SECONDS, every: float = 0.02
) -> Any:
    """The first true answer of `check`, which may have to be awaited; asks once more when time is up."""
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= end
        found = check()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if late:
            _fail(check, what, seconds, found)
        await asyncio.sleep(every)


def _fail(check: Callable[[], Any], what: str, seconds: float, found: object) -> NoReturn:
    what = what or getattr(check, "__qualname__", repr(check))
    raise AssertionError(f"not within {seconds:g} s: {what}; the last answer was {found!r}")
