"""Bounds: how much may be in work at once, and the reading of a body within its limits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]


class TooLargeError(Exception):
    """The body is larger than allowed. What came of it was thrown away."""


class BusyError(Exception):
    """So many bytes are in work that this body finds no room."""


class HungUpError(Exception):
    """The sender closed before the whole body had come."""


class Admission:
    """Counts requests and bytes in work."""

    __slots__ = ("_max_bytes", "_max_requests", "requests", "waiting_bytes")

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self.requests = 0
        self.waiting_bytes = 0

    @property
    def overfull(self) -> bool:
        """Whether more requests are in work than may be, this one counted."""
        return self.requests > self._max_requests

    def take(self, count: int) -> None:
        """Takes room for `count` bytes.

        Raises:
            BusyError: there is none; nothing was taken. A lone body always finds room.
        """
        if self.waiting_bytes and self.waiting_bytes + count > self._max_bytes:
            raise BusyError
        self.waiting_bytes += count

    def free(self, count: int) -> None:
        """Gives room back."""
        self.waiting_bytes -= count


class Body:
    """One request's body, read within its limits. `taken` bytes of room must be given back after use."""

    __slots__ = ("_admission", "_announced", "_limit", "_receive", "taken")

    def __init__(self, receive: Receive, announced: int, admission: Admission, limit: int) -> None:
        self._receive = receive
        self._announced = announced
        self._admission = admission
        self._limit = limit
        self.taken = 0

    async def read(self, seconds: float) -> bytes:
        """The whole body.

        Raises:
            TooLargeError, BusyError, HungUpError: see there.
            TimeoutError: it did not arrive within `seconds`.
        """
        if self._announced > self._limit:
            raise TooLargeError
        message = await self._receive()
        chunk = self._chunk(message)
        self._take(chunk)
        if not message.get("more_body"):
            return chunk
        async with asyncio.timeout(seconds):
            return await self._rest(chunk)

    async def discard(self, seconds: float, at_most: int) -> None:
        """Throws the body away, so that the sender reads the answer instead of a reset; `at_most` bytes."""
        try:
            async with asyncio.timeout(seconds):
                while at_most > 0:
                    message = await self._receive()
                    at_most -= len(self._chunk(message))
                    if not message.get("more_body"):
                        return
        except (TimeoutError, HungUpError):
            return

    async def _rest(self, first: bytes) -> bytes:
        chunks = [first]
        while True:
            message = await self._receive()
            chunk = self._chunk(message)
            self._take(chunk)
            chunks.append(chunk)
            if not message.get("more_body"):
                return b"".join(chunks)

    def _chunk(self, message: dict[str, Any]) -> bytes:
        if message["type"] != "http.request":
            raise HungUpError
        body: bytes = message.get("body", b"")
        return body

    def _take(self, chunk: bytes) -> None:
        size = len(chunk)
        if self.taken + size > self._limit:
            raise TooLargeError
        self._admission.take(size)
        self.taken += size
