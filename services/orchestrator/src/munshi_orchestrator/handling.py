"""What is done with each event of a cell: the one place where it is decided when an event is acked."""

import asyncio
import contextlib
import functools
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from munshi.contracts.cloud_api import parse_change, parse_error
from munshi.contracts.events import DeadLetter, Kind
from munshi.contracts.ids import TenantKey
from munshi.db.dead_letters import Burial, Graveyard
from munshi.registry import Tenant, TenantDirectory
from munshi.tasks import end
from munshi.telemetry.spans import Tracing
from munshi_orchestrator.failures import Tries
from munshi_orchestrator.graph import GraphApi
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.notices import Notice
from munshi_orchestrator.payloads import typing
from munshi_orchestrator.pull import Delivery
from munshi_orchestrator.reading import Halted, Item, Reading
from munshi_orchestrator.statuses import Statuses
from munshi_orchestrator.steps import Step, read_step
from munshi_orchestrator.turn import Begin, TurnRunner

_log = structlog.get_logger()

_DELAY = timedelta(minutes=1)
"""A webhook that comes later than this was refused or lost before, and others may be so still."""
_DOTS_SECONDS = 22.0
"""Meta shows typing dots for 25."""
_FACTS = ("event", "ban_state", "limit", "reason", "template_name")
"""Of an account event, what an operator wants to see in the log."""


@dataclass(frozen=True, slots=True)
class HandlingParts:
    """What the handling of a cell's events works with."""

    directory: TenantDirectory
    turns: TurnRunner
    tries: Tries
    statuses: Statuses
    graveyard: Graveyard
    graph: GraphApi
    metrics: Metrics
    tracing: Tracing
    typing_seconds: float
    heard: Callable[[TenantKey, datetime], None]
    """Told of each event that came without delay, with Meta's time of it."""


class Handling:
    """The handlers of one cell."""

    def __init__(self, parts: HandlingParts) -> None:
        self._with = parts
        self._aside: set[asyncio.Task[None]] = set()

    def parked(self, item: Item) -> bool:
        """Events of a tenant that is unknown or hibernated stay on the bus until that changes."""
        tenant = self._with.directory.get(item.delivery.tenant)
        return tenant is None or tenant.spec.hibernated

    def gather_seconds(self, item: Item) -> float:
        """The tenant's debounce, for messages only."""
        tenant = self._with.directory.get(item.delivery.tenant)
        if tenant is None or item.envelope.kind is not Kind.MESSAGE:
            return 0.0
        return float(tenant.spec.debounce_seconds)

    async def conversation(self, reading: Reading, items: Sequence[Item], waiting: int) -> None:
        """One step of a conversation; acked by the reading when this returns."""
        first = items[0]
        self._hear(items[-1])
        tenant = self._tenant(reading, first)

        async def work(begin: Begin) -> None:
            step = read_step(tenant, items)
            traces = [item.delivery.traceparent for item in items]
            with self._with.tracing.span("turn", traces, tenant=tenant.key), self._typing(tenant, step):
                await self._with.turns.run(reading, step, waiting, begin)

        async def apologise(failed: Sequence[Item], notice: Notice) -> None:
            await self._with.turns.apologise(reading, read_step(tenant, failed), notice)

        await self._with.tries.until_done(reading, items, work, apologise)

    def aside(self, reading: Reading, item: Item) -> None:
        """Statuses, errors and account events: behind nobody."""
        self._hear(item)
        status = item.envelope.kind is Kind.STATUS
        work = functools.partial(self._with.statuses.apply if status else self._noticed, reading, item)
        task = asyncio.get_running_loop().create_task(self._until_done(reading, item, work))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def unreadable(self, delivery: Delivery) -> None:
        """What is no envelope is kept for a person."""
        key = hashlib.sha256(delivery.data).hexdigest()
        letter = DeadLetter(
            tenant=delivery.tenant,
            id=key,
            reason="unreadable_envelope",
            received_at=datetime.now(UTC),
            body=delivery.data.decode(errors="replace").replace("\x00", ""),
        )
        payload = letter.model_dump(mode="json")
        await self._with.graveyard.bury(Burial(delivery.tenant, "ingress", key, letter.reason, payload))
        self._with.metrics.dead_letters.labels("ingress", letter.reason).inc()

    async def close(self) -> None:
        """Ends what is under way aside; it stays on the bus."""
        await end(*self._aside)

    def _hear(self, item: Item) -> None:
        event = item.envelope
        if event.at is not None and event.received_at - event.at < _DELAY:
            self._with.heard(event.tenant, event.at)

    def _tenant(self, reading: Reading, item: Item) -> Tenant:
        tenant = self._with.directory.get(item.delivery.tenant)
        if tenant is None or tenant.spec.hibernated:
            reading.doubt("tenant gone")
            raise Halted
        return tenant

    async def _until_done(self, reading: Reading, item: Item, work: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(Halted):  # the next reading finds it again
            await self._with.tries.aside_until_done(reading, item, work)

    async def _noticed(self, reading: Reading, item: Item) -> None:
        """Errors and account events are logged and counted; names and codes only."""
        envelope = item.envelope
        if envelope.kind is Kind.ERROR:
            field = "error"
            _log.error("meta_error", tenant=envelope.tenant, code=parse_error(envelope.raw).code)
        else:
            change = parse_change(envelope.raw)
            field = change.name or "unknown"
            facts = {f"meta_{name}": getattr(change, name, None) for name in _FACTS}
            said = {name: value for name, value in facts.items() if isinstance(value, str) and value}
            _log.warning("account_event", tenant=envelope.tenant, field=field, **said)
        self._with.metrics.account_events.labels(field).inc()
        await reading.done([item])

    def _typing(self, tenant: Tenant, step: Step) -> contextlib.AbstractContextManager[None]:
        """Shows the read tick and typing dots when the step takes long. A courtesy: nobody waits for it."""
        if not step.said:
            return contextlib.nullcontext()
        return _Dots(functools.partial(self._show_typing, tenant, step), self._with.typing_seconds)

    def _show_typing(self, tenant: Tenant, step: Step) -> None:
        if self._with.turns.crowded:
            return  # a call for each message that waits would only make the crowd larger
        token = tenant.credentials.access_token.get_secret_value()
        version = tenant.spec.whatsapp.graph_version
        body = typing(step.said[-1].message_id)
        task = asyncio.get_running_loop().create_task(self._courtesy(version, step, token, body))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _courtesy(self, version: str, step: Step, token: str, body: dict[str, object]) -> None:
        await self._with.graph.post(version, step.number, token, body)


class _Dots:
    """Shows something after `seconds`, and again before the dots go out, until it is left.

    It lets go of its timer when it is left: a timer and what it calls that know each other would keep the
    whole step in memory until garbage is collected.
    """

    __slots__ = ("_seconds", "_show", "_timer")

    def __init__(self, show: Callable[[], None], seconds: float) -> None:
        self._show = show
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._again)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        self._show()
        self._timer = asyncio.get_running_loop().call_later(_DOTS_SECONDS, self._again)
