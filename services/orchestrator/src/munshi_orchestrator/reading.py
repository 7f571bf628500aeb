"""One reading of a lane: from a fresh consumer to the first doubt.

A reading keeps a queue in memory for each conversation and works on many at once, one at a time within a
conversation. When anything is in doubt (the bus was away, the consumer was lost, the lane goes elsewhere) the
whole reading is given up and the next one begins at the oldest message that is not done. Nothing is lost by
it, since nothing is acked before its commit; nothing is done twice, since the commit marks the message.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import orjson
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from pydantic import ValidationError

from munshi.contracts.events import Envelope, Kind
from munshi.contracts.ids import CellName, ConversationKey, LaneID, TenantKey
from munshi.tasks import end
from munshi_orchestrator.people import without_nul
from munshi_orchestrator.pull import BATCH, Delivery, LaneStream

_log = structlog.get_logger()

Got = TypeVar("Got")


class Halted(Exception):
    """This reading was given up. What is not committed stays on the bus."""


class Room:
    """How many messages this process may hold in memory, all lanes together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    @property
    def left(self) -> int:
        """Messages that may still be taken in; never negative."""
        return max(0, self._limit - self.held)


@dataclass(slots=True)
class Item:
    """One event in memory."""

    delivery: Delivery
    envelope: Envelope
    arrived: float
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class LaneGrant:
    """Right to work on a lane. What counts is `fence`, which each commit checks."""

    cell: CellName
    lane: LaneID
    partition: int
    fence: int
    clean: bool
    """Whether the last owner finished what it had begun. If not, one of its messages may have killed it."""
    lasts: Callable[[], bool]
    """Whether the lane is still ours, as far as this worker knows without asking."""
    lose: Callable[[], None]
    """Says that a commit was refused: the lane has another owner."""


class Handlers(Protocol):
    """What is done with events."""

    async def conversation(self, reading: "Reading", items: Sequence[Item], waiting: int) -> None:
        """Does one conversation's next step for good, or raises `Halted`; `waiting` more stand behind it."""
        ...

    def gather_seconds(self, item: Item) -> float:
        """How long messages in a row are gathered into one step; 0 is not at all."""
        ...

    def aside(self, reading: "Reading", item: Item) -> None:
        """Takes an event that waits behind nobody (a status, an account event); acks it when done."""
        ...

    def parked(self, item: Item) -> bool:
        """Whether the tenant is not served now (unknown, hibernated): the event stays on the bus."""
        ...

    async def unreadable(self, delivery: Delivery) -> None:
        """Keeps what is no envelope as a dead letter."""
        ...


class _Queue:
    """One conversation's events, oldest first, and the task that works on them."""

    __slots__ = ("items", "task")

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.task: asyncio.Task[None] | None = None


GATHER_AT_MOST = 20
"""Messages joined into one turn: beyond that the person is not typing any more."""
ASIDE = (Kind.STATUS, Kind.ERROR, Kind.FIELD)
"""What waits behind nobody."""
_SILENCE_SECONDS = 30.0
_IDLE_SECONDS = 10.0
"""A lane with nothing in memory for so long is held against the server's count: an ack or a request that was
lost without a trace is found by that, long before `ack_wait`."""


class Reading:
    """Works off one lane until it is halted."""

    def __init__(
        self, connection: Client, grant: LaneGrant, handlers: Handlers, room: Room, per_lane: int
    ) -> None:
        self.grant = grant
        self._connection = connection
        self._handlers = handlers
        self._room = room
        self._per_lane = per_lane
        self._stream = LaneStream(
            connection, grant.cell, grant.partition, deliver=self._take, doubt=self.doubt
        )
        self._held: dict[int, Item] = {}
        self._queues: dict[tuple[TenantKey, ConversationKey], _Queue] = {}
        self._strays: set[asyncio.Task[None]] = set()
        self._opened = False
        self._halted = asyncio.Event()
        self._reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._parked: set[TenantKey] = set()
        self._heard = (0, time.monotonic())
        self._idle_since = time.monotonic()

    @property
    def held(self) -> int:
        """Events in memory."""
        return len(self._held)

    @property
    def conversations(self) -> int:
        """Conversations with something to do."""
        return len(self._queues)

    @property
    def parked(self) -> AbstractSet[TenantKey]:
        """Tenants whose events were left on the bus because they are not served."""
        return self._parked

    def oldest(self) -> float | None:
        """Monotonic time at which the oldest event in memory arrived."""
        first = next(iter(self._held.values()), None)
        return first.arrived if first else None

    def careful(self, item: Item) -> bool:
        """Whether this event may have been in work when the last owner died."""
        return not self.grant.clean and item.delivery.sequence <= self._stream.last_sequence

    @property
    def live(self) -> bool:
        """Whether work may still begin."""
        return not self._halted.is_set() and self.grant.lasts()

    async def open(self) -> None:
        """Begins to read."""
        await self._stream.open()
        self._opened = True
        await self._ask()

    async def until_doubt(self) -> str:
        """Returns the reason why this reading should be given up, once there is one."""
        return await asyncio.shield(self._reason)

    def doubt(self, reason: str) -> None:
        """Gives this reading up. From now on nothing begins: what was left undone comes before what is
        younger."""
        self._halted.set()
        if not self._reason.done():
            self._reason.set_result(reason)

    async def tick(self) -> None:
        """Called every second or so: asks again where room came free elsewhere, notices silence."""
        now = time.monotonic()
        if self._heard[0] != self._stream.heard or not self._stream.outstanding:
            self._heard = (self._stream.heard, now)
        elif now - self._heard[1] > _SILENCE_SECONDS:
            self.doubt("silence")
        await self._ask()
        if self._held or self._parked or not self._opened:
            self._idle_since = now
        elif now - self._idle_since > _IDLE_SECONDS:
            await self._compare()

    async def _compare(self) -> None:
        """Nothing is in memory, so nothing should be left on the bus."""
        began = self._idle_since = time.monotonic()
        try:
            left = await self._stream.left()
        except (NatsError, TimeoutError) as error:
            _log.info("lane_not_compared", lane=self.grant.lane, reason=type(error).__name__)
            return
        if left and not self._held and self._idle_since == began:
            _log.warning("lane_left_behind", lane=self.grant.lane, events=left)
            self.doubt("left_behind")

    async def sleep(self, seconds: float) -> None:
        """Waits without holding anybody up.

        Raises:
            Halted: the reading was given up meanwhile.
        """
        if seconds > 0 and not self._halted.is_set():
            try:
                await asyncio.wait_for(self._halted.wait(), seconds)
            except TimeoutError:
                return
        if self._halted.is_set():
            raise Halted

    async def unless_halted(self, work: "asyncio.Future[Got]") -> Got:
        """What `work` gives; it is cancelled when the reading is given up.

        Raises:
            Halted: the reading was given up meanwhile.
        """
        halted = asyncio.create_task(self._halted.wait())
        both: set[asyncio.Future[Any]] = {work, halted}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Halted
            return work.result()
        finally:
            for each in both:
                each.cancel()

    async def done(self, items: Sequence[Item]) -> None:
        """Acks events and forgets them. A lost ack only means that they are found to be done later."""
        for item in items:
            await self._ack(item.delivery)
            self._forget(item)
        await self._ask()

    async def close(self, deadline: float) -> None:
        """Begins nothing new, lets what is in work finish for `deadline` seconds, then cuts it off."""
        self._halted.set()
        try:
            await self._finish(deadline)
        finally:
            self._room.held -= len(self._held)
            self._held.clear()

    async def _finish(self, deadline: float) -> None:
        await self._stream.close()
        tasks = {queue.task for queue in self._queues.values() if queue.task} | self._strays
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline)
            await end(*late)

    def _take(self, delivery: Delivery) -> None:
        known = self._held.get(delivery.sequence)
        if known is not None:
            known.delivery = delivery
            return
        if self._halted.is_set():
            return
        try:
            envelope = _envelope(delivery.data)
        except ValidationError:
            self._stray(self._bury(delivery))
            return
        item = Item(delivery, envelope, time.monotonic())
        if self._handlers.parked(item):
            self._parked.add(delivery.tenant)
            return
        self._held[delivery.sequence] = item
        self._idle_since = item.arrived
        self._room.held += 1
        if envelope.kind in ASIDE:
            self._handlers.aside(self, item)
        else:
            self._enqueue(item)
        if self._wanted():
            self._stray(self._ask())

    def _enqueue(self, item: Item) -> None:
        key = (item.delivery.tenant, item.delivery.conversation)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue()
            queue.task = asyncio.create_task(self._work(key, queue))
        queue.items.append(item)

    async def _work(self, key: tuple[TenantKey, ConversationKey], queue: _Queue) -> None:
        try:
            while queue.items and not self._halted.is_set():
                await self._gather(queue)
                step = _step(queue.items, self._handlers.gather_seconds(queue.items[0]) > 0)
                await self._handlers.conversation(self, step, len(queue.items) - len(step))
                for _ in step:
                    queue.items.popleft()
                await self.done(step)
        except Halted:
            # The lease may have lapsed for a moment and be ours again. What was let go is to be read anew.
            self.doubt("halted")
        except Exception:  # noqa: BLE001 - a defect of ours; logged, and the lane is read anew
            _log.exception("conversation_stopped", lane=self.grant.lane, tenant=key[0])
            self.doubt("defect")
        finally:
            del self._queues[key]

    async def _gather(self, queue: _Queue) -> None:
        quiet = self._handlers.gather_seconds(queue.items[0])
        if quiet <= 0:
            return
        while len(queue.items) < GATHER_AT_MOST:
            left = queue.items[-1].arrived + quiet - time.monotonic()
            if left <= 0:
                return
            await self.sleep(left)

    async def _bury(self, delivery: Delivery) -> None:
        try:
            await self._handlers.unreadable(delivery)
            await self._ack(delivery)
        except Exception:  # noqa: BLE001 - logged; the bus brings it again after ack_wait
            _log.exception("unreadable_not_kept", lane=self.grant.lane, tenant=delivery.tenant)

    def _stray(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._strays.add(task)
        task.add_done_callback(self._strays.discard)

    def _forget(self, item: Item) -> None:
        if self._held.pop(item.delivery.sequence, None) is not None:
            self._room.held -= 1

    async def _ack(self, delivery: Delivery) -> None:
        try:
            await self._connection.publish(delivery.ack_subject)
        except NatsError as error:
            _log.info("ack_not_sent", lane=self.grant.lane, reason=type(error).__name__)

    def _wanted(self) -> int:
        """How many more messages to ask for now; not a few at a time while some are still to come."""
        coming = self._stream.outstanding
        want = min(BATCH, self._per_lane - len(self._held) - coming, self._room.left)
        few = BATCH // 4
        return max(0, want) if coming == 0 or (coming <= few <= want) else 0

    async def _ask(self) -> None:
        want = self._wanted()
        if not want or not self._opened or self._halted.is_set():
            return
        try:
            await self._stream.ask(want)
        except NatsError as error:
            self.doubt(type(error).__name__)


def _envelope(data: bytes) -> Envelope:
    if b"\\u0000" in data:
        return Envelope.model_validate(without_nul(orjson.loads(data)))
    return Envelope.model_validate_json(data)


def _step(items: deque[Item], gathering: bool) -> list[Item]:
    """The events of the next step: one, or the messages in a row at the head when gathering."""
    first = items[0]
    if not gathering:
        return [first]
    step: list[Item] = []
    for item in items:
        if len(step) == GATHER_AT_MOST or not _joinable(item):
            break
        step.append(item)
    return step or [first]


_JOINABLE = frozenset({"text", "interactive", "button", "image", "audio", "video", "document", "sticker"})


def _joinable(item: Item) -> bool:
    return item.envelope.kind is Kind.MESSAGE and item.envelope.raw.get("type") in _JOINABLE
