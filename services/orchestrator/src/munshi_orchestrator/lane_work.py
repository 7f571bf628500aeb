"""All the work on one lane while it is ours: readings one after the other, and the lane's part of the
outbox."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog
from nats.errors import Error as NatsError

from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.reading import LaneGrant, Reading

_log = structlog.get_logger()

_RETRY_SECONDS = 0.25
"""Between two tries to open a lane: a restarted bus is found within a blink, and 1,000 lanes do not storm
it."""
_GIVE_UP_SECONDS = 5.0
"""What is in work at a doubt may take this long to end by itself before it is cut off."""
_HANDING_OVER = "handing over"


class LaneSends(Protocol):
    """The sends of a lane."""

    def open(self, grant: LaneGrant) -> None:
        """Finds what an earlier owner left to send, and begins to send."""
        ...

    async def finish(self, grant: LaneGrant, deadline: float) -> bool:
        """Begins no further send; waits for those under way. Whether all of them ended in time."""
        ...

    def drop(self, grant: LaneGrant) -> None:
        """Ends all work at once."""
        ...


class LaneWork:
    """One lane."""

    def __init__(
        self, grant: LaneGrant, read: Callable[[LaneGrant], Reading], sends: LaneSends, metrics: Metrics
    ) -> None:
        self._grant = grant
        self._read = read
        self._sends = sends
        self._metrics = metrics
        self._reading: Reading | None = None
        self._leaving = False
        self._left = asyncio.Event()
        self._patience = _GIVE_UP_SECONDS

    @property
    def reading(self) -> Reading | None:
        """The present reading, for figures."""
        return self._reading

    @property
    def ended(self) -> bool:
        """Whether the lane's work is over for good."""
        return self._left.is_set()

    async def run(self) -> None:
        """Reads until cancelled or handed over."""
        self._sends.open(self._grant)
        try:
            while not self._leaving:
                await self._read_once()
        except asyncio.CancelledError:
            self._patience = 0.0
            raise
        finally:
            self._left.set()
            if not self._leaving:
                self._sends.drop(self._grant)

    async def hand_over(self, deadline: float) -> bool:
        """Finishes what is in work within `deadline` seconds; whether all was finished."""
        self._leaving = True
        self._patience = deadline
        until = time.monotonic() + deadline
        self.doubt(_HANDING_OVER)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), deadline)
        finished = await self._sends.finish(self._grant, max(0.0, until - time.monotonic()))
        self._sends.drop(self._grant)
        return finished and self._left.is_set()

    def doubt(self, reason: str) -> None:
        """Gives the present reading up."""
        if self._reading is not None:
            self._reading.doubt(reason)

    async def tick(self) -> None:
        """Called with each heartbeat."""
        if self._reading is not None:
            await self._reading.tick()

    async def _read_once(self) -> None:
        if not self._grant.lasts():
            # A fresh consumer of ours would take the lane's new owner its own.
            await asyncio.sleep(_RETRY_SECONDS)
            return
        reading = self._reading = self._read(self._grant)
        try:
            await reading.open()
            reason = await reading.until_doubt()
        except (NatsError, TimeoutError, OSError) as error:
            reason = type(error).__name__
        except asyncio.CancelledError:
            self._patience = 0.0
            raise
        finally:
            self._reading = None
            await reading.close(self._patience)
        if self._leaving:
            return
        self._metrics.readings.labels(reason).inc()
        _log.info("lane_read_anew", lane=self._grant.lane, reason=reason)
        await asyncio.sleep(_RETRY_SECONDS)
