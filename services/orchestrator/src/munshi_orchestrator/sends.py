"""What is on its way out: claimed rows of the outbox, by lane and conversation."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from munshi.contracts.ids import MessageID, OutboxID, PhoneNumberID, TenantKey
from munshi.db.outbox import Claimed, SendResult
from munshi.registry import Tenant
from munshi.sealing import unseal
from munshi_orchestrator.reading import LaneGrant
from munshi_orchestrator.verdicts import Consequence

ConversationKey: TypeAlias = tuple[TenantKey, int]
"""A tenant's conversation, by its id in the database."""


@dataclass(frozen=True, slots=True)
class SendJob:
    """One claimed row, ready to go."""

    tenant: TenantKey
    id: OutboxID
    attempt: int
    phone_number_id: PhoneNumberID
    body: dict[str, Any]
    phone: str | None
    bsuid: str | None
    since: datetime
    """When the message that it answers arrived, or the row was made: for the age of the reply."""
    traceparent: str | None = None


@dataclass(slots=True)
class Conversation:
    """One conversation with something to send."""

    job: SendJob | None = None
    """Claimed, and not yet on its way to Meta."""
    more: bool = False
    """Whether there may be a row to claim."""
    unsettled_since: datetime | None = None
    """Since when the fate of the next row is unknown."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def leaves(self, job: SendJob) -> None:
        """The job is on its way; a later one may have been handed over meanwhile."""
        if self.job is job:
            self.job = None


@dataclass(slots=True)
class LaneSends:
    """A lane of ours with what it has to send."""

    grant: LaneGrant
    conversations: dict[ConversationKey, Conversation] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def closing(self) -> bool:
        """Whether nothing more is to begin."""
        return self.closed.is_set()


def job_of(tenant: Tenant, row: Claimed) -> SendJob:
    """A claimed row, with the person's youngest number and user id unsealed."""
    found: dict[str, str] = {}
    for identity in row.identities:
        if identity.kind not in found:
            found[identity.kind] = unseal(tenant.data_key, identity.sealed, tenant.key).decode()
    return SendJob(
        tenant=tenant.key,
        id=row.id,
        attempt=row.attempt,
        phone_number_id=row.phone_number_id,
        body=row.body,
        phone=found.get("phone"),
        bsuid=found.get("bsuid"),
        since=row.created_at,
    )


def result_of(fence: int, job: SendJob, end: Consequence) -> SendResult:
    """The end of a send as the database takes it. `fence`: of the lane when the row was claimed."""
    return SendResult(
        tenant=job.tenant,
        id=job.id,
        attempt=job.attempt,
        fence=fence,
        result=end.result.value,
        wamid=MessageID(end.wamid) if end.wamid else None,
        retry_in=end.retry_in,
        error_code=end.code,
        error_detail=end.detail,
        reason=end.reason,
        opt_out=end.opts_out,
    )
