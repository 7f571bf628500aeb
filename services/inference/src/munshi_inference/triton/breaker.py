"""A circuit breaker: while Triton is away nobody waits for it, and none is spent on finding it again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger()

_FAILURES = 3
"""Failures in a row that open it; a lost connection opens it at once."""
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0


class Breaker:
    """Closed: requests may go. Open: they may not, until `probe` has said that all is well."""

    def __init__(self, name: str, probe: Callable[[], Awaitable[bool]]) -> None:
        self._name = name
        self._probe = probe
        self._failures = 0
        self._recovery: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        """Whether requests may go."""
        recovery = self._recovery
        if recovery is not None and recovery.done():
            # Ended, or cut off with the event loop that it ran in.
            self._recovery = recovery = None
        return recovery is None

    def succeeded(self) -> None:
        """A request was answered."""
        self._failures = 0

    def failed(self, *, at_once: bool = False) -> None:
        """A request was not; `at_once`: no other would be either."""
        self._failures += 1
        if self.closed and (at_once or self._failures >= _FAILURES):
            _log.warning("triton_away", model=self._name)
            self._recovery = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        wait = _FIRST_WAIT
        while True:
            await asyncio.sleep(wait)
            if await self._probe():
                break
            wait = min(wait * 2, _LONGEST_WAIT)
        self._failures = 0
        _log.info("triton_back", model=self._name)

    async def close(self) -> None:
        """Looks for it no longer."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
