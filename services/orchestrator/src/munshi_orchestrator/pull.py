"""One lane's messages off the bus, in stream order from the oldest that is not done.

A durable consumer alone does not keep order across a crash: what was fetched and not acked comes again only
after `ack_wait`, behind younger messages. So each reading begins with a fresh consumer. A late ack for an
earlier consumer of the same name does no harm: the server takes it for what it says, that the message is
done, or ignores it (tried on 2.15.1; `tests/orchestrator/test_bus.py`).

Pulls are our own requests to one inbox, not `fetch` of the client: one request serves hundreds of messages
and an idle lane costs one in half a minute.
"""

from collections.abc import Callable
from typing import NamedTuple

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from munshi.contracts.events import HEADER_TRACE
from munshi.contracts.ids import CellName, ConversationKey, TenantKey
from munshi.contracts.subjects import event_stream, inbound_of_lane, lane_consumer

ACK_WAIT_SECONDS = 300.0
"""Seconds until the server sends an unacked message again by itself. Long: the lane's owner holds it in
memory and a repeat is only noise; a lost ack is healed by it all the same."""
PULL_SECONDS = 30.0
"""Seconds that one request stands open: what an idle lane costs is one request in this time."""
HEARTBEAT_SECONDS = 10.0
"""Seconds between the server's signs of life on an open request; three missed ones are a doubt."""
BATCH = 256
"""Messages asked for at once: several hundred a request keep the requests' cost below notice."""

_TIMED_OUT = ("408", "404")
_HEARTBEAT = "100"


class Delivery(NamedTuple):
    """One event as it came from the bus."""

    sequence: int
    """Its place in the stream; the same at each delivery."""
    tenant: TenantKey
    conversation: ConversationKey
    subject: str
    data: bytes
    ack_subject: str
    traceparent: str | None


class LaneStream:
    """A fresh consumer of one lane and the requests to it. Used once; after a doubt, make another."""

    def __init__(
        self,
        connection: Client,
        cell: CellName,
        partition: int,
        deliver: Callable[[Delivery], None],
        doubt: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._stream = event_stream(cell)
        self._consumer = lane_consumer(partition)
        self._filter = inbound_of_lane(cell, partition)
        self._deliver = deliver
        self._doubt = doubt
        self._inbox = ""
        self._subscription: Subscription | None = None
        self.outstanding = 0
        """Messages asked for that have not come yet."""
        self.heard = 0
        """Counts everything that came, signs of life included."""
        self.last_sequence = 0
        """The youngest message of the whole stream when the lane was opened."""

    async def open(self) -> None:
        """Makes the consumer anew and listens. Nothing comes before `ask`.

        Raises:
            nats.errors.Error, TimeoutError: the bus is away or refuses; try again later.
        """
        bus = self._connection.jetstream()
        try:
            await bus.delete_consumer(self._stream, self._consumer)
        except NotFoundError:
            self.outstanding = 0
        self.last_sequence = (await bus.stream_info(self._stream)).state.last_seq
        await bus.add_consumer(
            self._stream,
            ConsumerConfig(
                durable_name=self._consumer,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_SECONDS,
                max_deliver=-1,
                max_ack_pending=-1,  # what is in flight is bounded here, by how much is asked for
                filter_subject=self._filter,
            ),
        )
        self._inbox = self._connection.new_inbox()
        self._subscription = await self._connection.subscribe(self._inbox, cb=self._on_message)

    async def ask(self, count: int) -> None:
        """Asks for up to `count` more messages."""
        self.outstanding += count
        request = {
            "batch": count,
            "expires": int(PULL_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        await self._connection.publish(subject, orjson.dumps(request), reply=self._inbox)

    async def left(self) -> int:
        """Events of the lane that are not done, as the server counts them: not delivered, or not acked.

        Raises:
            nats.errors.Error, TimeoutError: the bus is away or refuses.
        """
        info = await self._connection.jetstream().consumer_info(self._stream, self._consumer)
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)

    async def close(self) -> None:
        """Listens no longer. What was delivered and not acked stays on the bus."""
        if self._subscription is not None and not self._connection.is_closed:
            await self._subscription.unsubscribe()

    async def _on_message(self, message: Msg) -> None:
        self.heard += 1
        if not message.data and message.headers and "Status" in message.headers:
            self._on_status(message.headers)
            return
        self.outstanding = max(0, self.outstanding - 1)
        self._deliver(_delivery(message))

    def _on_status(self, headers: dict[str, str]) -> None:
        status = headers["Status"]
        if status == _HEARTBEAT:
            return
        if status in _TIMED_OUT:
            left = int(headers.get("Nats-Pending-Messages", self.outstanding))
            self.outstanding = max(0, self.outstanding - left)
            return
        self._doubt(headers.get("Description", status))


def _delivery(message: Msg) -> Delivery:
    tokens = message.subject.split(".")
    return Delivery(
        sequence=message.metadata.sequence.stream,
        tenant=TenantKey(tokens[3]),
        conversation=ConversationKey(tokens[5]),
        subject=message.subject,
        data=message.data,
        ack_subject=message.reply,
        traceparent=message.headers.get(HEADER_TRACE) if message.headers else None,
    )
