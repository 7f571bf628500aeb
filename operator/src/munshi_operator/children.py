"""Makes a tenant's objects on the cluster as they are wanted, and leaves alone what already is."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import structlog

from munshi.errors import Permanent, Retryable
from munshi_operator.api import UNMADE, Conflict, Gone, Selection
from munshi_operator.builders.names import MEDIA
from munshi_operator.drift import (
    changed,
    mark_of,
    owned_fields,
    same_mark,
    same_pods,
    stamped,
    with_running_template,
)
from munshi_operator.kinds import (
    CHILDREN,
    DEPLOYMENT,
    WITHOUT_WHICH_NOTHING_IS_ANSWERED,
    Ref,
    ref_of,
)
from munshi_operator.observed import Pods, SeenChild, is_ours
from munshi_operator.types import Manifest, TenantObject
from munshi_operator.world import World

_log = structlog.get_logger()

_ENDING_SECONDS = 1.0
NAME_TAKEN = "NameTaken"
"""Reason of a condition: somebody else's object has the name of a child."""


class Verdict(Enum):
    """What a pass does with one child."""

    LEAVE = "leave"
    MAKE = "make"
    APPLY = "apply"
    REPAIR = "repair"
    ROLL = "roll"
    """Apply, and with it replace pods because of the chart's values alone."""
    REPLACE = "replace"
    """It belongs to a tenant of that name that is gone: away with it first."""
    TAKEN = "taken"
    """It is somebody else's, by chance of that name: it is not touched."""


@dataclass(slots=True)
class Converged:
    """How far a tenant's objects are."""

    pods: dict[str, Pods] = field(default_factory=dict)
    """Wanted Deployments by name."""
    beside: set[str] = field(default_factory=set)
    """Of these, the ones without which texts are answered all the same."""
    repaired: list[str] = field(default_factory=list)
    held_back: bool = False
    """A new version waits for this tenant's turn."""
    taken: list[Ref] = field(default_factory=list)
    """Names at which somebody else's objects stand."""

    @property
    def settled(self) -> bool:
        """All pods are the newest and ready."""
        return not self.held_back and all(pods.settled for pods in self.pods.values())

    @property
    def stuck(self) -> bool:
        """Some pods do not come up."""
        return any(pods.stuck for pods in self.pods.values())

    @property
    def serving(self) -> bool:
        """Every Deployment that answers texts and wants pods has one that is ready."""
        needed = (pods for name, pods in self.pods.items() if name not in self.beside)
        return not self.lacking and all(pods.ready >= min(1, pods.wanted) for pods in needed)

    @property
    def lacking(self) -> list[Ref]:
        """Of what is taken, what the tenant cannot do without."""
        return [ref for ref in self.taken if ref.kind in WITHOUT_WHICH_NOTHING_IS_ANSWERED]

    @property
    def whose_names_are_taken(self) -> str:
        """For people: what is in the way."""
        names = ", ".join(str(ref) for ref in self.taken)
        return (
            f"{names}: there already, and not made by the operator, which leaves it alone; delete or rename "
            "it, or give the tenant another name"
        )


@dataclass
class Children:
    """The children of all tenants."""

    world: World
    _intact: dict[Ref, tuple[int, str]] = field(default_factory=dict)
    """Version and wanted mark with which a child was last found as wanted."""
    _tolerated: dict[Ref, frozenset[str]] = field(default_factory=dict)
    """Paths that differ right after an apply: the server's own spelling, or a webhook's will."""
    _taken: set[Ref] = field(default_factory=set)
    """Names at which somebody else's object was seen last: looked at before they are tried again."""

    async def converge(
        self, tenant: TenantObject, wanted: Iterable[Manifest], spare: Callable[[Ref], bool] | None = None
    ) -> Converged:
        """Applies what is missing or changed, deletes what is no longer wanted and not spared."""
        result = Converged()
        marked = {ref_of(one): stamped(one) for one in wanted}
        for wave in _waves(marked):
            await self._converge_all(tenant, {ref: marked[ref] for ref in wave}, result)
        for ref in sorted(self.world.observed.children(tenant.key), key=_order, reverse=True):
            if ref not in marked and not (spare and spare(ref)):
                await self._remove(tenant, ref)
        result.taken.sort(key=_order)  # what is said of them shall not change from pass to pass
        known = self.world.observed.children(tenant.key)
        for ref in marked:
            child = known.get(ref)
            if ref.kind is DEPLOYMENT and child is not None and child.pods is not None and child.ours:
                result.pods[ref.name] = child.pods
                if child.component == MEDIA:
                    result.beside.add(ref.name)
        return result

    async def _stands(self, ref: Ref) -> Manifest | None:
        """What stands at a name. By a list: the operator may not get, only list."""
        selection = Selection(ref.kind, ref.namespace, fields=f"metadata.name={ref.name}")
        try:
            async for page in self.world.cluster.list(selection):
                if page.items:
                    return page.items[0]
        except Gone:
            return None  # the kind is not installed: the apply tells
        return None

    async def remove_all(self, tenant: TenantObject) -> int:
        """Deletes all children, what leads to them first; returns how many are still there."""
        for ref in sorted(self.world.observed.children(tenant.key), key=_order, reverse=True):
            await self._remove(tenant, ref)
        return sum(child.owner == tenant.uid for child in self.world.observed.children(tenant.key).values())

    async def _converge_all(
        self, tenant: TenantObject, wanted: Mapping[Ref, Manifest], result: Converged
    ) -> None:
        """Objects that need not wait for each other. All are tried; the first failure is raised."""
        verdicts = {ref: self._look(tenant, ref, manifest) for ref, manifest in wanted.items()}
        result.taken += [ref for ref, verdict in verdicts.items() if verdict is Verdict.TAKEN]
        steps = [
            self._converge_one(tenant, ref, wanted[ref], verdict, result)
            for ref, verdict in verdicts.items()
            if verdict not in (Verdict.LEAVE, Verdict.TAKEN)
        ]
        if len(steps) == 1:
            await steps[0]
        elif steps:
            failed = await asyncio.gather(*steps, return_exceptions=True)
            for failure in failed:
                if failure is not None:
                    raise failure

    async def _converge_one(
        self, tenant: TenantObject, ref: Ref, manifest: Manifest, verdict: Verdict, result: Converged
    ) -> None:
        if verdict is Verdict.MAKE:
            if not await self._make(tenant, ref, manifest):
                result.taken.append(ref)
            return
        if verdict is Verdict.REPLACE:
            await self._remove_stranger(tenant, ref)
            raise Retryable(f"{ref} of an earlier tenant of that name is being removed", _ENDING_SECONDS)
        if verdict is Verdict.ROLL and not self.world.rollout.begin(tenant.key):
            result.held_back = True
            return
        uid = self.world.observed.children(tenant.key)[ref].uid
        await self._apply(ref, self._as_it_runs(tenant, ref, manifest), uid=uid)
        if verdict is Verdict.REPAIR:
            result.repaired.append(str(ref))
            self.world.repaired[ref.kind.name] += 1

    def _look(self, tenant: TenantObject, ref: Ref, manifest: Manifest) -> Verdict:
        child = self.world.observed.children(tenant.key).get(ref)
        if child is None:
            return Verdict.MAKE
        if child.deleting:
            raise Retryable(f"{ref} is on its way out; it is made anew when it is gone", _ENDING_SECONDS)
        if not child.ours and child.owner != tenant.uid:
            return Verdict.TAKEN
        if child.owner not in ("", tenant.uid):
            return Verdict.REPLACE
        mark = mark_of(manifest)
        if not same_mark(mark, child.mark):
            return Verdict.ROLL if self._rolls(tenant, manifest, child) else Verdict.APPLY
        if self._intact.get(ref) == (child.version, mark):
            return Verdict.LEAVE
        found, owned = child.unpack()
        differing = set(changed(manifest, found, owned)) - self._tolerated.get(ref, frozenset())
        if differing:
            _log.info("child_drifted", child=str(ref), fields=sorted(differing)[:5])
            return Verdict.REPAIR
        self._intact[ref] = (child.version, mark)
        return Verdict.LEAVE

    def _rolls(self, tenant: TenantObject, manifest: Manifest, child: SeenChild) -> bool:
        """Whether pods would be replaced although the tenant itself is as the last pass left it."""
        if child.ref.kind is not DEPLOYMENT or tenant.status.get("observedGeneration") != tenant.generation:
            return False
        found, _ = child.unpack()
        return not same_pods(manifest, found)

    def _as_it_runs(self, tenant: TenantObject, ref: Ref, manifest: Manifest) -> Manifest:
        """What is sent: a template that an older operator spelled stays as it runs, since another spelling
        would replace the pods, until they must restart anyway."""
        child = self.world.observed.children(tenant.key).get(ref)
        if (
            child is None
            or ref.kind is not DEPLOYMENT
            or _template_mark(child.mark) == _template_mark(mark_of(manifest))
        ):
            return manifest
        found, owned = child.unpack()
        return with_running_template(manifest, found, owned) if same_pods(manifest, found) else manifest

    async def _make(self, tenant: TenantObject, ref: Ref, manifest: Manifest) -> bool:
        """Makes a child of which the store knows nothing; False where somebody else's object has its name.

        What bears no label of ours is not watched, so something may stand there all the same: the apply names
        a version that nothing has, and the server refuses it then, in one step. Only after that it is asked
        what stands there.
        """
        if ref not in self._taken:
            try:
                await self._apply(ref, manifest, version=UNMADE)
            except Conflict:
                self._taken.add(ref)
            else:
                return True
        found = await self._stands(ref)
        if found is not None and not is_ours(found, tenant.uid):
            return False
        self._taken.discard(ref)
        if found is None:
            await self._apply(ref, manifest, version=UNMADE)
            return True
        meta = found["metadata"]  # ours, without the label by which it would be watched
        if meta.get("deletionTimestamp"):
            raise Retryable(f"{ref} is on its way out; it is made anew when it is gone", _ENDING_SECONDS)
        await self._apply(ref, manifest, uid=meta["uid"], version=meta["resourceVersion"])
        return True

    async def _apply(self, ref: Ref, manifest: Manifest, *, uid: str = "", version: str = "") -> None:
        """One apply of the object that was seen, never of another one by its name.

        Raises:
            Conflict: it is another one by now, or has another version than the given one.
        """
        seen = {name: value for name, value in (("uid", uid), ("resourceVersion", version)) if value}
        try:
            raw = await self.world.cluster.apply({**manifest, "metadata": {**manifest["metadata"], **seen}})
        except Gone as error:
            raise Permanent(
                f"{ref.kind.name} ({ref.kind.api_version}) cannot be made: {error}", "KindNotInstalled"
            ) from error
        self.world.observed.put_child(ref.kind, raw)
        still = frozenset(changed(manifest, raw, owned_fields(raw)))
        if still:
            self._tolerated[ref] = still
        else:
            self._tolerated.pop(ref, None)
        self._intact[ref] = (int(raw["metadata"]["resourceVersion"]), mark_of(manifest))

    async def _remove(self, tenant: TenantObject, ref: Ref) -> None:
        child = self.world.observed.children(tenant.key).get(ref)
        if child is None or child.deleting or child.owner != tenant.uid:
            return
        await self.world.cluster.delete(ref, child.uid)
        self._forget(ref)

    async def _remove_stranger(self, tenant: TenantObject, ref: Ref) -> None:
        child = self.world.observed.children(tenant.key)[ref]
        await self.world.cluster.delete(ref, child.uid)
        self._forget(ref)

    def _forget(self, ref: Ref) -> None:
        self._intact.pop(ref, None)
        self._tolerated.pop(ref, None)
        self._taken.discard(ref)


def _template_mark(mark: str) -> str:
    return mark.partition(".")[2]


def _waves(refs: Iterable[Ref]) -> Iterator[list[Ref]]:
    """What needs nothing of each other together: what pods need, then the pods, then what scales them and
    leads to them."""
    first, last = CHILDREN.index(DEPLOYMENT), CHILDREN.index(DEPLOYMENT) + 1
    places = (range(first), range(first, last), range(last, len(CHILDREN)))
    ordered = sorted(refs, key=_order)
    for places_of_wave in places:
        yield [ref for ref in ordered if CHILDREN.index(ref.kind) in places_of_wave]


def _order(ref: Ref) -> tuple[int, str]:
    return CHILDREN.index(ref.kind), ref.name
