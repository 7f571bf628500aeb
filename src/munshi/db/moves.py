"""Hands a tenant's rows from one cell to another, in one transaction. As `munshi_admin`.

Rows belong to a tenant, and a tenant to a cell; nothing is copied. What names a cell besides is the lane of a
row in the outbox: a row under a lane of the old cell would never be found by the new one.
"""

import asyncpg

from munshi.contracts.ids import CellName, TenantKey

_LOCK_SECONDS = 5

_LOCK_LANES = """
SELECT pg_advisory_xact_lock(hashtextextended('munshi.lane:' || l.lane, 0))
FROM (SELECT lane FROM lanes WHERE cell = $1 ORDER BY lane) l
"""
"""What `lane_lock_key` gives: whoever writes for a lane holds this lock shared."""

_SWITCH = """
UPDATE tenants
SET cell = $2, role_name = (SELECT c.role_name FROM cells c WHERE c.cell = $2), deleted_at = NULL
WHERE tenant = $1
"""

_HAND_OVER = """
UPDATE outbox o SET
    lane = $2 || '/' || lpad((split_part(o.lane, '/', 2)::integer % $3::integer)::text, 3, '0'),
    state = CASE o.state WHEN 'sending' THEN 'unsettled' ELSE o.state END,
    unsettled_at = CASE o.state WHEN 'sending' THEN clock_timestamp() ELSE o.unsettled_at END
WHERE o.tenant = $1 AND o.state IN ('queued', 'sending', 'unsettled') AND NOT starts_with(o.lane, $2 || '/')
"""

_PENDING = """
SELECT count(*) FROM outbox o
WHERE o.tenant = $1 AND o.state IN ('queued', 'sending', 'unsettled') AND starts_with(o.lane, $2 || '/')
"""


async def move_tenant(
    connection: asyncpg.Connection, tenant: TenantKey, old: CellName, new: CellName, partitions: int
) -> None:
    """Gives a tenant to the cell `new`, which must be there and have `partitions` lanes. Idempotent.

    A commit of the old cell that is under way is waited for; a later one finds the tenant gone and writes
    nothing. A row that was being sent waits for its status under the new cell, as after a crash: the old
    one's word on it can no longer be written. Of the lanes any will do: sends of a conversation are kept in
    order by the conversation's own row.

    Raises:
        asyncpg.LockNotAvailableError: the old cell is too busy for now.
        asyncpg.CheckViolationError: the new cell is not there.
    """
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        await connection.fetchval("SELECT 1 FROM tenants WHERE tenant = $1 FOR UPDATE", tenant)
        await connection.execute(_LOCK_LANES, old)
        await connection.execute(_SWITCH, tenant, new)
        await adopt_sends(connection, tenant, new, partitions)


async def adopt_sends(
    connection: asyncpg.Connection, tenant: TenantKey, cell: CellName, partitions: int
) -> None:
    """Brings what a tenant has to send under lanes of the cell that serves it now, wherever it was queued.

    Also for one that comes back after its deletion, to another cell than it had.
    """
    await connection.execute(_HAND_OVER, tenant, cell, partitions)


async def pending_sends(connection: asyncpg.Connection, tenant: TenantKey, cell: CellName) -> int:
    """Rows of a tenant's outbox in a cell's lanes that are not settled."""
    return int(await connection.fetchval(_PENDING, tenant, cell))
