"""One pass over one tenant, whole: from what is observed to what is wanted. Level based: it asks what is, not
what has happened, so it may run at any time, any number of times, and stop anywhere.
"""

from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import POOL
from munshi.errors import MunshiError, Permanent, Retryable
from munshi_operator.api import Conflict, Gone, NotLeading
from munshi_operator.children import Children
from munshi_operator.claims import Claims, settle
from munshi_operator.finalizing import Finalizing
from munshi_operator.moving import CLEARING, Moving, course_of, phase_of, turned_back
from munshi_operator.observed import CREDENTIALS, SeenTenant
from munshi_operator.serving import Serving, Sight
from munshi_operator.status import CREDENTIALS as CREDENTIALS_VALID
from munshi_operator.status import (
    DEGRADED,
    FINE,
    PAUSED,
    PROGRESSING,
    READY,
    SECRET_INCOMPLETE,
    SECRET_MISSING,
    Finding,
    Findings,
)
from munshi_operator.types import TenantObject, Unfinished
from munshi_operator.world import Next, World

_log = structlog.get_logger()

_REQUIRED = CREDENTIALS[:3]


@dataclass
class Reconciler:
    """Knows what a pass consists of; the steps are in the parts."""

    world: World
    children: Children
    serving: Serving
    moving: Moving
    finalizing: Finalizing

    @classmethod
    def over(cls, world: World) -> "Reconciler":
        """All parts over one world."""
        children = Children(world)
        return cls(
            world,
            children,
            Serving(world, children),
            Moving(world, children),
            Finalizing(world, children),
        )

    async def reconcile(self, key: TenantKey) -> Next:
        """One pass.

        Raises:
            MunshiError: not all could be done; what is wrong stands in the status.
        """
        seen = self.world.observed.tenant(key)
        if seen is None:
            self._forget(key)
            return Next()
        try:
            tenant = seen.object()
        except ValidationError as error:
            return await self._unreadable(seen, error)
        try:
            after = await self._pass(seen, tenant)
        except (Gone, Conflict) as error:
            # The tenant was deleted, or is another one: the watch tells in a moment.
            _log.info("tenant_changed_meanwhile", tenant=key, reason=str(error))
            raise
        except NotLeading:
            raise
        except MunshiError as error:
            await self._tell_failure(seen.key, error)
            raise
        if after.failure is not None:
            raise after.failure
        return after

    async def _pass(self, seen: SeenTenant, tenant: TenantObject) -> Next:
        if seen.deleting is not None:
            return await self.finalizing.step(tenant, held=seen.held)
        if not seen.held:
            await self.world.hold(tenant)
        if tenant.tenant.spec.paused:
            return await self._leave_alone(tenant)
        found = Findings(tenant.generation)
        found.set(PAUSED, "False", "NotPaused")
        claims = settle(tenant, self.world.observed)
        credentials, problem = self._credentials(tenant, claims)
        if problem is not None:
            found.conditions.update(problem)
        return await self._go_on(tenant, claims, credentials, found)

    async def _go_on(
        self, tenant: TenantObject, claims: Claims, credentials: dict[str, str] | None, found: Findings
    ) -> Next:
        """Moves, or serves, or says why neither."""
        allowed = claims.tenant
        if allowed is None or credentials is None:
            return await self.serving.hold_on(tenant, found, withdraw=allowed is None)
        hibernated = allowed.tenant.spec.hibernated
        course = course_of(allowed, hibernated=hibernated)
        if course is not None:
            found.set(DEGRADED, "False", FINE)
            after = await self.moving.step(course, credentials, found)
            await self.world.write_status(tenant, found)
            if course.phase == CLEARING and course.old == POOL:
                self.serving.left_pool(tenant.key)
            return after
        other = turned_back(allowed)
        if other is not None:
            await self.moving.turn_back(allowed, other, credentials)
        return await self.serving.step(Sight(tenant, allowed, credentials, claims), found)

    def _credentials(
        self, tenant: TenantObject, claims: Claims
    ) -> tuple[dict[str, str] | None, dict[str, Finding] | None]:
        if claims.tenant is None:
            blocked = Finding("False", "PhoneNumberClaimed", claims.message)
            return None, {READY: blocked, DEGRADED: Finding("True", blocked.reason, blocked.message)}
        namespace, name = tenant.tenant.metadata.namespace, tenant.tenant.spec.whatsapp.secret_ref.name
        values = self.world.observed.credentials(namespace, name)
        missing = [one for one in _REQUIRED if not (values or {}).get(one)]
        if not missing:
            return values, None
        if values is None:
            finding = Finding(
                "False",
                SECRET_MISSING,
                f"the Secret {namespace}/{name} is not there or holds none of the keys "
                f"{', '.join(_REQUIRED)}; create it in the tenant's namespace",
            )
        else:
            finding = Finding(
                "False",
                SECRET_INCOMPLETE,
                f"the Secret {namespace}/{name} lacks {', '.join(missing)}; add it",
            )
        degraded = Finding("True", finding.reason, finding.message)
        return None, {CREDENTIALS_VALID: finding, READY: finding, DEGRADED: degraded}

    async def _leave_alone(self, tenant: TenantObject) -> Next:
        """Paused: what runs goes on running, and nothing of it is touched."""
        found = Findings(tenant.generation, phase="Paused")
        found.set(PAUSED, "True", "SpecPaused", "spec.paused is true: the operator changes nothing")
        await self.world.write_status(tenant, found)
        return Next()

    async def _unreadable(self, seen: SeenTenant, error: ValidationError) -> Next:
        """The API server took what the contract refuses (a time zone that is none, say)."""
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{place}: {first['msg']}"
        if seen.deleting is not None:
            return await self.finalizing.step(seen.stand_in(), held=seen.held)
        found = Findings(seen.generation, phase="Failed")
        found.set(READY, "False", "SpecInvalid", message)
        found.set(DEGRADED, "True", "SpecInvalid", message)
        await self.world.write_unreadable(seen, found)
        raise Permanent(message, "SpecInvalid")

    async def _tell_failure(self, key: TenantKey, error: MunshiError) -> None:
        """Notes in the status why a pass failed, if the server lets us."""
        seen = self.world.observed.tenant(key)
        if seen is None or seen.deleting is not None:
            return
        tenant = seen.object()
        reason = error.reason if isinstance(error, Permanent) else "Retrying"
        found = Findings(tenant.generation)
        # What was served goes on being served: Ready is left as it is, or false when it never was.
        if tenant.status.get("applied") is None:
            found.set(READY, "False", reason, str(error))
            found.phase = "Pending"
        if isinstance(error, Unfinished):
            found.report(error.report)
        found.set(PROGRESSING, "True", phase_of(tenant.status) or reason, str(error))
        found.set(DEGRADED, "True", reason, str(error))
        try:
            await self.world.write_status(tenant, found)
        except (Retryable, Permanent) as second:
            _log.info("status_not_written", tenant=key, reason=str(second))

    def _forget(self, key: TenantKey) -> None:
        self.moving.forget(key)
        self.serving.forget(key)
        self.world.wakefulness.forget(key)
        self.world.call(self.world.rollout.forget(key))
