"""Moves what ingress could not sort or read from the bus into the database, where a person finds it."""

import asyncio

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig
from pydantic import ValidationError

from munshi.bus.connection import Connection
from munshi.contracts.events import DeadLetter
from munshi.contracts.subjects import dead_all, dead_stream
from munshi.db.dead_letters import Burial, Graveyard
from munshi.errors import Permanent
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.passing import PASSING

_log = structlog.get_logger()

CONSUMER = "dead-letters"
_FETCH_SECONDS = 30.0
_RETRY_SECONDS = 1.0
_UNKNOWN_TENANT_SECONDS = 60.0
"""A letter of a tenant that the database does not know yet is looked at again after this."""


class DeadMover:
    """Keeps the dead-letter stream of a cell empty. Several may run; keeping a letter twice keeps it once."""

    def __init__(self, connection: Connection, graveyard: Graveyard, metrics: Metrics) -> None:
        self._connection = connection
        self._graveyard = graveyard
        self._metrics = metrics

    async def run(self) -> None:
        """Moves letters until cancelled."""
        while True:
            try:
                await self._move()
            except (NatsError, OSError, TimeoutError) as error:
                _log.info("dead_letters_wait", reason=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _move(self) -> None:
        cell = self._connection.cell.name
        bus = self._connection.client.jetstream()
        subscription = await bus.pull_subscribe(
            dead_all(cell),
            durable=CONSUMER,
            stream=dead_stream(cell),
            config=ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=_UNKNOWN_TENANT_SECONDS),
        )
        while True:
            try:
                messages = await subscription.fetch(10, timeout=_FETCH_SECONDS)
            except TimeoutError:
                continue
            for message in messages:
                await self._keep(message)

    async def _keep(self, message: Msg) -> None:
        try:
            letter = DeadLetter.model_validate_json(message.data)
            await self._graveyard.bury(
                Burial(
                    tenant=letter.tenant,
                    source="ingress",
                    key=letter.id,
                    reason=letter.reason,
                    payload=letter.model_dump(mode="json"),
                    detail=letter.detail.replace("\x00", ""),
                )
            )
        except ValidationError:
            _log.exception("dead_letter_unreadable", bytes=len(message.data))
            await message.term()
        except Permanent as error:
            _log.error("dead_letter_not_kept", reason=error.reason)
            await message.nak(delay=_UNKNOWN_TENANT_SECONDS)
        except PASSING:
            await message.nak(delay=_RETRY_SECONDS)
        else:
            self._metrics.dead_letters.labels("ingress", letter.reason).inc()
            await message.ack()
