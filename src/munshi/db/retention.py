"""Deletes what a tenant's retention has passed; run by the orchestrator every hour, and safe side by side."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import Retention, age_of
from munshi.db.connection import Pool
from munshi.db.errors import translated

MARKS_AT_LEAST = timedelta(days=8)
"""Meta repeats a webhook for 7 days: the mark of a message must be there until then, and a day more."""

BATCH = 500
"""Rows a table and transaction: some 10 ms, so that no turn waits for it."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows a run dealt with."""

    bodies: int = 0
    """Contents of messages and replies that were emptied, their marks kept."""
    marks: int = 0
    outbox: int = 0
    dead_letters: int = 0
    attempts: int = 0
    samples: int = 0
    """Training material: old, or of a tenant that does not consent."""
    attachments: int = 0
    """Attachments forgotten wholly or in part, and announcements."""
    erasures: int = 0
    """Requests to delete files, done or overtaken."""
    model_calls: int = 0
    """Single calls of language models; the sums of their months stay."""

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(dataclasses.astuple(self))

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(
            self.bodies + other.bodies,
            self.marks + other.marks,
            self.outbox + other.outbox,
            self.dead_letters + other.dead_letters,
            self.attempts + other.attempts,
            self.samples + other.samples,
            self.attachments + other.attachments,
            self.erasures + other.erasures,
            self.model_calls + other.model_calls,
        )


async def purge(
    pool: Pool, tenant: TenantKey, retention: Retention, now: datetime | None = None, batches: int = 1000
) -> Purged:
    """Deletes messages, replies, dead letters and training material of a tenant beyond `retention.messages`,
    and what was read of its pictures and sounds beyond `retention.media`.

    Batch by batch. Ends when nothing is left to delete or after `batches`; the next run goes on. The books
    are no messages: they stay.
    """
    now = now or datetime.now(UTC)
    before = now - age_of(retention.messages)
    media_before, marks_before = now - age_of(retention.media), now - MARKS_AT_LEAST
    total = Purged()
    for _ in range(batches):
        with translated():
            messages = await pool.fetchval(
                "SELECT purge_messages($1, $2, $3, $4)", tenant, before, marks_before, BATCH
            )
            samples = await pool.fetchval("SELECT purge_samples($1, $2, $3)", tenant, before, BATCH)
            attachments = await pool.fetchval(
                "SELECT purge_attachments($1, $2, $3, $4, $5)",
                tenant,
                before,
                media_before,
                marks_before,
                BATCH,
            )
            erasures = await pool.fetchval(
                "SELECT purge_erasures($1, $2, $3, $4)", tenant, media_before, marks_before, BATCH
            )
            calls = await pool.fetchval("SELECT purge_model_calls($1, $2, $3)", tenant, before, BATCH)
        done = Purged(
            **messages, samples=samples, attachments=attachments, erasures=erasures, model_calls=calls
        )
        total += done
        if done.rows == 0:
            break
    return total
