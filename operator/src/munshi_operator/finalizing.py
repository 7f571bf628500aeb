"""The end of a tenant: what serves it goes, what its policy says goes, then the finalizer.

It never hangs for ever: past the deadline the finalizer goes all the same, and an Event and a metric tell
what was left.
"""

from dataclasses import dataclass

import structlog

from munshi.contracts.tenant import DeletionPolicy
from munshi.errors import MunshiError, Retryable
from munshi_operator.children import Children
from munshi_operator.moving import cells_of
from munshi_operator.status import DEGRADED, PROGRESSING, READY, Findings
from munshi_operator.types import Served, TenantObject
from munshi_operator.world import Next, World

_log = structlog.get_logger()

_LOOK_SECONDS = 2.0


@dataclass
class Finalizing:
    """Ends tenants."""

    world: World
    children: Children

    async def step(self, tenant: TenantObject, *, held: bool) -> Next:
        """One pass over a tenant that is being deleted.

        Raises:
            MunshiError: something cannot be taken away now, and the deadline has not come.
        """
        if not held:
            return Next()  # other finalizers hold it; ours has gone
        try:
            left = await self._take_away(tenant)
        except MunshiError as error:
            if not self._late(tenant):
                await self._tell_progress(tenant, str(error))
                raise
            return await self._give_up(tenant, str(error))
        if left and not self._late(tenant):
            await self._tell_progress(tenant, f"{left} of its objects are still on their way out")
            return Next(_LOOK_SECONDS, routine=False)
        if left:
            return await self._give_up(tenant, f"{left} of its objects do not go away")
        await self.world.release(tenant)
        _log.info("tenant_ended", tenant=tenant.key, policy=tenant.tenant.spec.deletion_policy.value)
        return Next()

    async def _take_away(self, tenant: TenantObject) -> int:
        """Returns how many children are still there; the outside is touched when none is."""
        left = await self.children.remove_all(tenant)
        if left:
            return left
        for cell in cells_of(tenant):
            served = Served(tenant, {}, cell, hibernated=True)
            if tenant.tenant.spec.deletion_policy is DeletionPolicy.DELETE:
                await self.world.outside.erase(served)
            else:
                await self.world.outside.withdraw(served)
        return 0

    def _late(self, tenant: TenantObject) -> bool:
        if tenant.deleting is None:
            return False
        waited = (self.world.now() - tenant.deleting).total_seconds()
        return waited >= self.world.settings.finalizer_seconds

    async def _tell_progress(self, tenant: TenantObject, message: str) -> None:
        found = Findings(tenant.generation, phase="Deleting")
        found.set(READY, "False", "Deleting", "the tenant is being deleted")
        found.set(PROGRESSING, "True", "Deleting", message)
        found.set(DEGRADED, "False", "Deleting")
        try:
            await self.world.write_status(tenant, found)
        except Retryable as error:
            _log.info("status_not_written", tenant=tenant.key, reason=str(error))

    async def _give_up(self, tenant: TenantObject, left: str) -> Next:
        message = (
            f"gave up after {self.world.settings.finalizer_seconds:.0f} s and let it go; left behind: {left};"
            " see the runbook MunshiFinalizerStuck"
        )
        _log.error("deletion_left_something", tenant=tenant.key, left=left)
        await self.world.events.tell(tenant, "Warning", "LeftBehind", message)
        self.world.left_behind[tenant.tenant.spec.deletion_policy.value] += 1
        await self.world.release(tenant)
        return Next()
