"""Statuses of what was sent: gathered over all tenants of a cell and written in batches, behind nobody's
turn."""

from collections.abc import Callable

from munshi.contracts.cloud_api import Status as MetaStatus
from munshi.contracts.cloud_api import StatusKind, classify, parse_status
from munshi.contracts.cloud_api.statuses import Pricing as MetaPricing
from munshi.contracts.ids import TenantKey
from munshi.db.outbox import Applied, Outbox, Pricing, Status
from munshi_orchestrator.batching import Batcher
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.payloads import outbox_id_of
from munshi_orchestrator.reading import Item, Reading


def row_of(tenant: TenantKey, status: MetaStatus) -> Status | None:
    """One of Meta's statuses as the database takes it; `None` for what says nothing of a message of ours."""
    if status.id is None or status.kind is StatusKind.UNKNOWN:
        return None
    error = status.errors[0] if status.errors else None
    return Status(
        tenant=tenant,
        wamid=status.id,
        status=status.kind,
        at=status.at,
        id=outbox_id_of(status.callback_data),
        error_code=error.code if error else None,
        error_detail=(error.details or error.title)[:300] if error else None,
        opt_out=bool(error and classify(error.code).opts_out),
        pricing=_price(status.pricing),
    )


def _price(given: MetaPricing | None) -> Pricing | None:
    return Pricing(given.category, given.model, given.type, given.billable) if given else None


class Statuses:
    """Applies statuses of one cell."""

    def __init__(self, outbox: Outbox, settled: Callable[[TenantKey, int], None], metrics: Metrics) -> None:
        self._batch: Batcher[Status, Applied | None] = Batcher(outbox.apply_statuses)
        self._settled = settled
        self._metrics = metrics

    async def apply(self, reading: Reading, item: Item) -> None:
        """Writes one status and acks it.

        Raises:
            Permanent: the database will never take it.
        """
        row = row_of(item.delivery.tenant, parse_status(item.envelope.raw))
        applied = await self._batch.add(row) if row else None
        self._metrics.statuses.labels(_outcome(applied)).inc()
        await reading.done([item])
        if applied is not None and applied.settled:
            self._settled(item.delivery.tenant, applied.conversation_id)

    async def close(self) -> None:
        """Stops writing; what is not written stays on the bus."""
        await self._batch.close()


def _outcome(applied: Applied | None) -> str:
    if applied is None:
        return "unknown"
    return "moved" if applied.moved else "late"
