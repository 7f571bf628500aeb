"""Carries what still waits of a tenant from its old cell's streams to the new one's, in order.

A move waits until the old cell is empty; what comes all the same (a webhook on its way, a cell that could
not work) is carried. The tenant must be parked in the new cell meanwhile.

Each message is published to the new stream, acknowledged, and deleted from the old one only when all of that
is done, so a crash anywhere only repeats. The id of a copy names its original, so the server keeps one of two
copies; a later repeat falls to the inbound mark. What reached the new stream before the older messages did is
put behind them again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from munshi.contracts.events import HEADER_ID
from munshi.contracts.ids import CellName, ConversationKey, TenantKey
from munshi.contracts.subjects import dead, dead_stream, event_stream, inbound, partition_of
from munshi_operator.outside.cell_bus import events_of

_COPY = ":from:"


@dataclass(frozen=True, slots=True)
class Carrier:
    """Between two cells, over connections as their administrators."""

    old: JetStreamContext
    old_cell: CellName
    new: JetStreamContext
    new_cell: CellName
    partitions: int
    """Lanes of the new cell."""

    async def carry(self, key: TenantKey) -> int:
        """Carries events and dead letters of a tenant; how many there were."""
        events = await self._carry_events(key)
        return events + await self._carry_letters(key)

    async def _carry_events(self, key: TenantKey) -> int:
        source, subject = event_stream(self.old_cell), events_of(self.old_cell, key)
        last = count = end = 0
        async for message in read(self.old, source, subject):
            place = await self._publish(message, self._subject(key, message), f"{source}-{message.seq}")
            last, count, end = max(last, place), count + 1, int(message.seq or 0)
        if count:
            await self._put_behind(key, last)
            await self.old.purge_stream(source, subject=subject, seq=end + 1)
        return count

    async def _put_behind(self, key: TenantKey, last: int) -> None:
        """Puts what stands before the copies, or came between them, behind; until nothing does."""
        stream, subject = event_stream(self.new_cell), events_of(self.new_cell, key)
        boundary = last
        while boundary:
            early = [
                message
                async for message in read(self.new, stream, subject, before=boundary)
                if _COPY not in _id(message)
            ]
            boundary = 0
            for message in early:
                place = await self._publish(message, str(message.subject), f"{stream}-{message.seq}")
                boundary = max(boundary, place)
            for message in early:
                await self.new.delete_msg(stream, int(message.seq or 0))

    async def _carry_letters(self, key: TenantKey) -> int:
        source, subject = dead_stream(self.old_cell), dead(self.old_cell, key)
        count = end = 0
        async for message in read(self.old, source, subject):
            await self._publish(message, dead(self.new_cell, key), f"{source}-{message.seq}")
            count, end = count + 1, int(message.seq or 0)
        if count:
            await self.old.purge_stream(source, subject=subject, seq=end + 1)
        return count

    def _subject(self, key: TenantKey, message: RawStreamMsg) -> str:
        talk = ConversationKey(str(message.subject).split(".")[5])
        return inbound(self.new_cell, key, partition_of(talk, self.partitions), talk)

    async def _publish(self, message: RawStreamMsg, subject: str, origin: str) -> int:
        headers = dict(message.headers or {})
        headers[HEADER_ID] = f"{_id(message).partition(_COPY)[0]}{_COPY}{origin}"
        return int((await self.new.publish(subject, message.data or b"", headers=headers)).seq)


def _id(message: RawStreamMsg) -> str:
    return str((message.headers or {}).get(HEADER_ID, ""))


async def read(
    js: JetStreamContext, stream: str, subject: str, before: int | None = None
) -> AsyncIterator[RawStreamMsg]:
    """The messages of a subject in stream order, those below sequence `before` only; takes nothing away.

    Asked of the leader, so that nothing is missed that a replica has not yet. Nothing where no stream is.
    """
    sequence = 1
    while before is None or sequence < before:
        try:
            message = await js.get_msg(stream, seq=sequence, subject=subject, next=True)
        except NotFoundError:
            return
        if before is not None and int(message.seq or 0) >= before:
            return
        yield message
        sequence = int(message.seq or 0) + 1
