"""The fast durable publisher: many messages out, all acknowledgements awaited together.

JetStream acknowledges each message to the reply subject that it was published with. The library's own
`js.publish` makes a request of each: a future, a timer and an inbox look-up a message. Here one subscription
takes all acknowledgements of the process, and one batch has one future and one timer, whatever its size.
Only the client's public methods are used.
"""

import asyncio
from collections.abc import Sequence

import nats.errors
import orjson
from nats.aio.msg import Msg

from munshi.bus.connection import Connection
from munshi.bus.errors import BusAway, BusBusy, BusFull, BusRefused
from munshi.bus.outgoing import Outgoing

__all__ = ["Outgoing", "Publisher"]

ACK_SECONDS = 5.0
"""Meta takes an answer after this for lost anyway; a healthy server acknowledges within milliseconds."""
MAX_IN_FLIGHT = 10_000
"""Messages that wait for an acknowledgement: ten of Meta's largest batches."""

_FLUSH_EVERY = 100
"""Messages between two turns of the loop within a batch."""
_ACK_BYTES_LIMIT = 64 * 1024 * 1024
"""Acknowledgements may pile up while the loop is busy; dropping one would cost its whole batch."""
_FULL = {10023, 10047, 10077}
"""Server errors that mean "no room": resources, account storage, store failed (maximum bytes)."""
_TOO_LARGE = {10054}


class _Batch:
    __slots__ = ("done", "first", "left", "timer")

    def __init__(self, first: int, left: int, done: "asyncio.Future[None]") -> None:
        self.first = first
        self.left = left
        self.done = done
        self.timer: asyncio.TimerHandle | None = None

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Publisher:
    """Publishes over one connection. Made by `open`, closed with the connection."""

    def __init__(
        self, connection: Connection, ack_seconds: float = ACK_SECONDS, max_in_flight: int = MAX_IN_FLIGHT
    ) -> None:
        self._connection = connection
        self._client = connection.client
        # Asked for once: on Python 3.11 each question costs a system call.
        self._loop = asyncio.get_running_loop()
        self._ack_seconds = ack_seconds
        self._max = max_in_flight
        self._waiting: dict[str, _Batch] = {}
        self._next = 0
        self._inbox = ""
        self._cut = 0

    @classmethod
    async def open(
        cls, connection: Connection, ack_seconds: float = ACK_SECONDS, max_in_flight: int = MAX_IN_FLIGHT
    ) -> "Publisher":
        """A publisher ready for use.

        Args:
            connection: must be open.
            ack_seconds: seconds that a batch may wait for its last acknowledgement.
            max_in_flight: messages that may wait for theirs at once; a batch beyond is refused.
        """
        publisher = cls(connection, ack_seconds, max_in_flight)
        inbox = connection.client.new_inbox()
        await connection.client.subscribe(
            f"{inbox}.*", cb=publisher._acknowledged, pending_bytes_limit=_ACK_BYTES_LIMIT
        )
        publisher._inbox = f"{inbox}."
        publisher._cut = len(publisher._inbox)
        connection.on_loss(publisher._lost)
        return publisher

    @property
    def in_flight(self) -> int:
        """Messages that wait for their acknowledgement."""
        return len(self._waiting)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Returns when the stream has kept every message.

        After an error some may have been kept all the same; `Nats-Msg-Id` makes a repetition harmless.

        Raises:
            BusAway: no connection, no stream, or no acknowledgement in time.
            BusFull: the stream has no room.
            BusBusy: too much waits already; nothing was sent.
            BusRefused: a message is larger than the bus takes.
        """
        count = len(messages)
        if count == 0:
            return
        if not self._client.is_connected:
            raise BusAway("the bus is not connected")
        if count + len(self._waiting) > self._max and self._waiting:
            raise BusBusy("too many messages wait for their acknowledgement")
        batch = self._begin(count)
        try:
            await self._send(messages, batch)
            await batch.done
        finally:
            self._end(batch, count)

    def _begin(self, count: int) -> _Batch:
        batch = _Batch(self._next, count, self._loop.create_future())
        self._next += count
        for number in range(batch.first, batch.first + count):
            self._waiting[str(number)] = batch
        batch.timer = self._loop.call_later(
            self._ack_seconds, batch.fail, BusAway("no acknowledgement in time")
        )
        return batch

    async def _send(self, messages: Sequence[Outgoing], batch: _Batch) -> None:
        publish, inbox, number = self._client.publish, self._inbox, batch.first
        try:
            for subject, data, headers in messages:
                await publish(subject, data, f"{inbox}{number}", headers)
                number += 1
                if (number - batch.first) % _FLUSH_EVERY == 0:
                    # The socket takes what is there: the server works while we go on, and others are served.
                    await asyncio.sleep(0)
                    if batch.done.done():
                        return
        except nats.errors.MaxPayloadError as error:
            raise BusRefused("a message is larger than the server takes") from error
        except (nats.errors.Error, OSError) as error:
            raise BusAway("the bus is not connected") from error

    def _end(self, batch: _Batch, count: int) -> None:
        if batch.timer is not None:
            batch.timer.cancel()
        if batch.left:
            for number in range(batch.first, batch.first + count):
                self._waiting.pop(str(number), None)
        if batch.done.done() and not batch.done.cancelled():
            # Takes a failure that came while we were still sending, so that the loop does not complain.
            batch.done.exception()

    async def _acknowledged(self, message: Msg) -> None:
        batch = self._waiting.pop(message.subject[self._cut :], None)
        if batch is None:
            return
        data = message.data
        if b'"error"' in data or not data:
            batch.fail(_error_of(data))
            return
        batch.left -= 1
        if not batch.left and not batch.done.done():
            batch.done.set_result(None)

    def _lost(self) -> None:
        for batch in set(self._waiting.values()):
            batch.fail(BusAway("the bus was lost before it acknowledged"))


def _error_of(data: bytes) -> Exception:
    """What an answer other than "kept" means. An empty one says that no stream takes the subject."""
    if not data:
        return BusAway("no stream takes the subject")
    try:
        code = orjson.loads(data)["error"]["err_code"]
    except (ValueError, KeyError, TypeError):
        return BusAway("the bus refused for an unknown reason")
    if code in _FULL:
        return BusFull("the stream has no room")
    if code in _TOO_LARGE:
        return BusRefused("a message is larger than the stream takes")
    return BusAway(f"the bus refused with error {code}")
