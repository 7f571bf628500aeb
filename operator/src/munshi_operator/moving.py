"""Moves a tenant between its own cell and the pool; nothing is lost and nothing doubled on the way.

The order, each step safe to run again from the start of its phase:

1. *Preparing*: the new cell is made, with the tenant's entry parked (hibernated: its ingress keeps events, no
   orchestrator works on them) and, for a dedicated one, its pods.
2. *Draining*: the route leads to the new ingress. The old cell goes on working until nothing of the tenant is
   left in it, for a while in a row, or gives up; then its entry is parked there too, so that nothing begins.
3. *Switching*: the old entry goes and the rights over the rows move, at once with what came late after all;
   then the new entry is woken.
4. *Clearing*: the old cell's pods go; its place outside goes with the first pass that serves in the new one.

`status.cell` names the old cell until all is done; the reason of `Progressing` names the phase. A restart
goes on from there. A tenant has rows in one cell only at any time, so it is worked on in one only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL, Isolation
from munshi.errors import Permanent
from munshi_operator.children import NAME_TAKEN, Children, Converged
from munshi_operator.kinds import ROUTES, Ref
from munshi_operator.observed import time_of
from munshi_operator.status import PROGRESSING, Findings, condition, served_cell
from munshi_operator.types import Served, TenantObject
from munshi_operator.world import Next, World

_log = structlog.get_logger()

PREPARING = "MovePreparing"
DRAINING = "MoveDraining"
SWITCHING = "MoveSwitching"
CLEARING = "MoveClearing"
_PAST_ROUTE = frozenset({DRAINING, SWITCHING, CLEARING})
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """One move. `tenant` is as the new cell wants it, which is not the spec while a turned-back one ends."""

    tenant: TenantObject
    old: CellName
    new: CellName
    phase: str
    hibernated: bool


def course_of(tenant: TenantObject, *, hibernated: bool) -> Course | None:
    """The move that a tenant is on; `None` where it is served where it shall be."""
    served = served_cell(tenant.status)
    if served is None:
        return None
    own, wanted = CellName(tenant.key), tenant.cell
    other = POOL if served == own else own
    phase = phase_of(tenant.status) or PREPARING
    if phase in _PAST_ROUTE:
        # Events may lie in the new cell already: the move ends before another one begins.
        return Course(as_for(tenant, other), served, other, phase, hibernated)
    if wanted == served:
        return None
    return Course(tenant, served, other, phase, hibernated)


def phase_of(status: Mapping[str, Any]) -> str:
    """How far a move is; empty without one. Trouble on the way must not make it forgotten."""
    reason = str(condition(status, PROGRESSING).get("reason", ""))
    return reason if reason == PREPARING or reason in _PAST_ROUTE else ""


def turned_back(tenant: TenantObject) -> CellName | None:
    """The cell that a move was preparing when the spec went back: its parked entry must go."""
    served = served_cell(tenant.status)
    preparing = condition(tenant.status, PROGRESSING).get("reason") == PREPARING
    if served is None or not preparing or tenant.cell != served:
        return None
    return POOL if served == CellName(tenant.key) else CellName(tenant.key)


def cells_of(tenant: TenantObject) -> list[CellName]:
    """Where something of a tenant may be: both its own cell and the pool while a move is under way, or when
    the spec asks for another cell than the one that serves."""
    noted = served_cell(tenant.status)
    if tenant.status.get("phase") == "Moving" or (noted is not None and noted != tenant.cell):
        return [CellName(tenant.key), POOL]
    return [tenant.cell]


def as_for(tenant: TenantObject, cell: CellName) -> TenantObject:
    """The tenant as if its spec asked for that cell."""
    isolation = Isolation.POOLED if cell == POOL else Isolation.DEDICATED
    spec = tenant.tenant.spec.model_copy(update={"isolation": isolation})
    return replace(tenant, tenant=tenant.tenant.model_copy(update={"spec": spec}))


@dataclass
class Moving:
    """Moves tenants, a phase a pass or more."""

    world: World
    children: Children
    _empty_since: dict[TenantKey, float] = field(default_factory=dict)

    async def step(self, course: Course, credentials: Mapping[str, str], found: Findings) -> Next:
        """Goes on with a move; tells in `found` how far it is."""
        found.phase = "Moving"
        found.fields["cell"] = course.old
        phase = course.phase
        if course.tenant.status.get("applied") is None and phase in (PREPARING, DRAINING):
            await self._serve_again(course, credentials)
        if phase == PREPARING and await self._prepare(course, credentials):
            phase = DRAINING
        elif phase == DRAINING and await self._drain(course, credentials):
            phase = SWITCHING
        elif phase == SWITCHING:
            phase = await self._switch(course, credentials)
        elif phase == CLEARING:
            await self._clear(course, found)
            return Next(0.0, routine=False)
        found.set(PROGRESSING, "True", phase, f"moving from cell {course.old} to {course.new}")
        return Next(0.0 if phase != course.phase else _LOOK_SECONDS, routine=False)

    async def turn_back(self, tenant: TenantObject, other: CellName, credentials: Mapping[str, str]) -> None:
        """Ends a move that had not gone past its first phase."""
        await self.world.outside.withdraw(Served(as_for(tenant, other), credentials, other, hibernated=True))

    def forget(self, key: TenantKey) -> None:
        """The tenant is gone or at rest."""
        self._empty_since.pop(key, None)

    async def _serve_again(self, course: Course, credentials: Mapping[str, str]) -> None:
        """On the way it had no number left and was taken out of both cells: one works again, one keeps."""
        await self._ensure(course, credentials, course.new, hibernated=True)
        await self._ensure(course, credentials, course.old, hibernated=course.hibernated)

    async def _prepare(self, course: Course, credentials: Mapping[str, str]) -> bool:
        await self._ensure(course, credentials, course.new, hibernated=True)
        return (await self._converge(course, routes=False)).settled

    async def _drain(self, course: Course, credentials: Mapping[str, str]) -> bool:
        """Whether the old cell has been empty for long enough."""
        await self._ensure(course, credentials, course.old, hibernated=course.hibernated)
        routed = await self._converge(course, routes=True)
        now, key = self.world.clock(), course.tenant.key
        if not routed.serving or await self._still_at_work(course):
            self._empty_since.pop(key, None)
            return False
        return now - self._empty_since.setdefault(key, now) >= self.world.settings.drain_seconds

    async def _switch(self, course: Course, credentials: Mapping[str, str]) -> str:
        """Parks the old entry, looks once more, and hands over; back to draining if something came late."""
        key = course.tenant.key
        await self._ensure(course, credentials, course.old, hibernated=True)
        if await self._still_at_work(course):
            self._empty_since.pop(key, None)
            return DRAINING
        await self.world.outside.move_rights(key, course.old, course.new)
        await self._ensure(course, credentials, course.new, hibernated=course.hibernated)
        return CLEARING

    async def _still_at_work(self, course: Course) -> bool:
        """Whether the old cell has something of the tenant that it will finish.

        Who sleeps finishes nothing, and who has not finished for long will not: what is left is carried over
        with the rights, in order.
        """
        since = condition(course.tenant.status, PROGRESSING).get("lastTransitionTime")
        begun = time_of(since) if since else self.world.now()
        late = (self.world.now() - begun).total_seconds() > self.world.settings.drain_most_seconds
        if course.hibernated or late:
            return False
        backlog = await self.world.outside.observe_backlog(course.old, course.tenant.key)
        return bool(backlog.events or backlog.sending)

    async def _clear(self, course: Course, found: Findings) -> None:
        replicas = 0 if course.hibernated else None
        access = await self.world.outside.access(course.new)
        wanted = self.world.build(course.tenant, access, orchestrator_replicas=replicas)
        await self.children.converge(course.tenant, wanted)
        found.fields["cell"] = course.new
        found.phase = "Starting"
        found.set(PROGRESSING, "False", "Moved", f"moved from cell {course.old} to {course.new}")
        self.forget(course.tenant.key)
        _log.info("tenant_moved", tenant=course.tenant.key, old=course.old, new=course.new)

    async def _ensure(
        self, course: Course, credentials: Mapping[str, str], cell: CellName, *, hibernated: bool
    ) -> None:
        served = Served(as_for(course.tenant, cell), credentials, cell, hibernated=hibernated)
        await self.world.outside.ensure(served)

    async def _converge(self, course: Course, *, routes: bool) -> Converged:
        """Adds the new cell's objects to the old one's; routes only when they shall lead to the new one."""
        access = await self.world.outside.access(course.new)
        wanted = self.world.build(course.tenant, access, orchestrator_replicas=None)
        if not routes:
            wanted = [one for one in wanted if not _is_route(one["kind"])]
        spare = self._spare(routes) if course.new == POOL else lambda _: not routes
        converged = await self.children.converge(course.tenant, wanted, spare=spare)
        if converged.lacking:
            raise Permanent(converged.whose_names_are_taken, NAME_TAKEN)
        return converged

    @staticmethod
    def _spare(routes: bool) -> Callable[[Ref], bool]:
        """On the way to the pool the old pods stay; their route goes when the pool's shall answer."""
        return lambda ref: not (routes and ref.kind in ROUTES)


def _is_route(kind: str) -> bool:
    return any(kind == one.name for one in ROUTES)
