"""What one worker of a cell does for all of it: retention, moving dead letters, having files deleted.

Whoever owns the cell's lane 0 does the chores: a lease that is there already.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from munshi.contracts.ids import CellName
from munshi.db.connection import Pool
from munshi.db.retention import purge
from munshi.errors import MunshiError
from munshi.registry import TenantDirectory
from munshi.tasks import end
from munshi_orchestrator.passing import PASSING

_log = structlog.get_logger()

CHORE_PARTITION = 0
"""Its owner does the cell's chores."""


async def retain(pool: Pool, directory: TenantDirectory, cell: CellName, every_seconds: float) -> None:
    """Deletes what the tenants' retention has passed, every so often, until cancelled."""
    while True:
        for tenant in directory.of_cell(cell):
            try:
                done = await purge(pool, tenant.key, tenant.spec.retention)
            except (MunshiError, *PASSING) as error:
                _log.warning("retention_failed", tenant=tenant.key, reason=str(error))
                continue
            if done.rows:
                _log.info("retention_done", tenant=tenant.key, rows=done.rows)
        await asyncio.sleep(every_seconds)


class Chores:
    """Runs chores while they are ours."""

    def __init__(self, *chores: Callable[[], Awaitable[None]]) -> None:
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []

    async def mind(self, *, ours: bool) -> None:
        """Begins or ends the chores."""
        if ours and not self._tasks:
            self._tasks = [asyncio.create_task(_forever(chore)) for chore in self._chores]
        elif not ours and self._tasks:
            tasks, self._tasks = self._tasks, []
            await end(*tasks)


async def _forever(chore: Callable[[], Awaitable[None]]) -> None:
    while True:
        with contextlib.suppress(MunshiError, *PASSING):
            await chore()
        await asyncio.sleep(1.0)
