"""What still lies on the bus: events that are not done."""

from datetime import datetime
from typing import NamedTuple

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from munshi.contracts.ids import CellName
from munshi.contracts.subjects import event_stream


class Oldest(NamedTuple):
    """The event that has waited longest."""

    sequence: int
    """Its place in the stream."""
    at: datetime
    """When the bus took it, by the server's clock."""


class Pending:
    """Asks the bus of one cell."""

    def __init__(self, connection: Client, cell: CellName) -> None:
        self._connection = connection
        self._stream = event_stream(cell)

    async def oldest(self, subject: str) -> Oldest | None:
        """The oldest event on these subjects (wildcards may stand in it) that is not done.

        Raises:
            nats.errors.Error, TimeoutError: the bus is away or refuses.
        """
        bus = self._connection.jetstream()
        try:
            found = await bus.get_msg(self._stream, seq=1, subject=subject, next=True)
        except NotFoundError:
            return None
        if found.seq is None or found.time is None:
            raise TypeError("a stored event without its place or its time")
        return Oldest(found.seq, found.time)
