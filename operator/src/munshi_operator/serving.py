"""Serves a tenant where it shall be: outside, on the cluster, checked with Meta, told in the status."""

import hashlib
import hmac
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from munshi.contracts.ids import TenantKey
from munshi.errors import MunshiError, Retryable
from munshi_operator import status as st
from munshi_operator.builders.names import COMPONENT_LABEL, ORCHESTRATOR
from munshi_operator.children import NAME_TAKEN, Children, Converged
from munshi_operator.claims import Claims
from munshi_operator.kinds import DEPLOYMENT
from munshi_operator.moving import as_for, cells_of, phase_of
from munshi_operator.status import Finding, Findings
from munshi_operator.types import CellAccess, Manifest, OutsideReport, Served, TenantObject, Unfinished
from munshi_operator.world import Next, World

_META_SECONDS = 6 * 3600.0
"""How often good credentials are looked at again; a token can end without a word."""
_META_AGAIN_SECONDS = 30.0
"""Until credentials or a webhook that Meta refused are tried again, doubling with each refusal: people mend
much of it at Meta (a review, a permission, an override), where no watch tells of it."""
_TAKEN_SECONDS = 30.0
"""How often a name that somebody else's object has is looked at again: no watch tells of it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass sees of a tenant."""

    tenant: TenantObject
    """As people wrote it; whose status is written."""
    allowed: TenantObject
    """As it may be served."""
    credentials: Mapping[str, str]
    claims: Claims


@dataclass
class Serving:
    """Serves tenants."""

    world: World
    children: Children
    looks_after_move: tuple[float, ...] = (5.0, 60.0)
    """Seconds between the first looks at the outside after a move away from the pool: its ingress may have
    kept an event until it knew that the tenant is gone, which takes seconds, and it is to be carried over
    before the next resync."""
    meta_again_seconds: float = _META_AGAIN_SECONDS
    _outside_due: dict[TenantKey, float] = field(default_factory=dict)
    _looks: dict[TenantKey, tuple[float, ...]] = field(default_factory=dict)
    """What is left of them."""
    _meta_due: dict[TenantKey, float] = field(default_factory=dict)
    _meta_refused: dict[TenantKey, int] = field(default_factory=dict)
    """Times in a row that Meta refused, or did not answer."""

    async def step(self, sight: Sight, found: Findings) -> Next:
        """One pass; a part that fails does not keep the others from being done.

        Raises:
            MunshiError: a child or the status cannot be written.
        """
        tenant, world = sight.allowed, self.world
        asleep = await self._asleep(tenant)
        served = Served(tenant, sight.credentials, tenant.cell, hibernated=asleep)
        access = await world.outside.access(tenant.cell)
        url = f"{world.settings.webhook_url.rstrip('/')}/webhooks/whatsapp/{tenant.key}"
        found.fields |= {"webhookURL": url, "cell": tenant.cell}
        marks = _marks(access, served, url)
        failure = await self._outside(served, marks, found)
        known = tenant.status.get("applied") is not None or found.fields.get("applied") is not None
        converged = Converged()
        if known:
            converged = await self._children(tenant, access, asleep, found)
        if failure is None:
            failure = await self._meta(sight, url, marks, found)
        self._conclude(sight, converged, asleep, found, failure)
        await world.write_status(sight.tenant, found)
        await self._tell(sight, converged, found)
        return Next(failure=failure) if failure is not None else self._next(tenant, converged)

    async def hold_on(self, tenant: TenantObject, found: Findings, *, withdraw: bool) -> Next:
        """A tenant that cannot be served as it is: what runs goes on, unless its numbers are another's."""
        if withdraw and tenant.status.get("applied") is not None:
            for cell in cells_of(tenant):
                await self.world.outside.withdraw(Served(as_for(tenant, cell), {}, cell, hibernated=True))
            found.fields["applied"] = None
        moving = phase_of(tenant.status)  # the outside tells by the phase too whether to tidy up
        found.phase = "Moving" if moving else "Blocked"
        found.set(st.PROGRESSING, "True" if moving else "False", moving or found.conditions[st.READY].reason)
        if await self.world.write_status(tenant, found):
            ready = found.conditions[st.READY]
            await self.world.events.tell(tenant, "Warning", ready.reason, ready.message)
        return Next()

    def forget(self, key: TenantKey) -> None:
        """The tenant is gone."""
        self._outside_due.pop(key, None)
        self._meta_due.pop(key, None)
        self._meta_refused.pop(key, None)
        self._looks.pop(key, None)

    def left_pool(self, key: TenantKey) -> None:
        """The tenant has moved away from the pool just now."""
        self._looks[key] = self.looks_after_move

    # --- hibernation ---------------------------------------------------------------------------------------

    async def _asleep(self, tenant: TenantObject) -> bool:
        """Whether its orchestrator rests in this pass."""
        world = self.world
        if not tenant.tenant.spec.hibernated:
            world.wakefulness.forget(tenant.key)
            return False
        if not world.settings.wake_on_webhook or tenant.status.get("applied") is None:
            return True
        backlog = await world.outside.observe_backlog(tenant.cell, tenant.key)
        return not world.wakefulness.look(tenant.key, backlog, has_pods=self._has_pods(tenant))

    def _has_pods(self, tenant: TenantObject) -> bool:
        """Whether its orchestrator was awake when it was seen last."""
        return any(
            child.pods is not None and child.pods.wanted > 0 and child.component == ORCHESTRATOR
            for child in self.world.observed.children(tenant.key).values()
        )

    # --- outside -------------------------------------------------------------------------------------------

    async def _outside(self, served: Served, marks: "Marks", found: Findings) -> MunshiError | None:
        key, status = served.object.key, served.object.status
        now = self.world.clock()
        applied = str(status.get("applied") or "")
        same = applied.partition(".")[0] == marks.outside
        whole = all(st.truth(status, kind) == "True" for kind in (st.DATABASE, st.STREAMS, st.STORAGE))
        if same and whole:
            # After a restart each tenant's turn comes within one interval, not all at once.
            due = self._outside_due.setdefault(key, now + random.random() * self._interval())
            if now < due:
                found.fields["applied"] = applied
                return None
        try:
            report = await self.world.outside.ensure(served)
        except MunshiError as error:
            found.fields["applied"] = applied or None
            if isinstance(error, Unfinished):
                self._take_report(error.report, found)
            return error
        self._outside_due[key] = now + self._next_look(key)
        self._take_report(report, found)
        checked = applied.partition(".")[2] if same else ""
        found.fields["applied"] = f"{marks.outside}.{checked}"
        failed = next((one for one in (report.database, report.streams, report.storage) if not one.ok), None)
        return Retryable(failed.message) if failed else None

    def _take_report(self, report: OutsideReport, found: Findings) -> None:
        found.report(report)
        for name in report.repaired:
            self.world.repaired[name] += 1

    def _next_look(self, key: TenantKey) -> float:
        first, *rest = (*self._looks.pop(key, ()), self._interval())
        if rest:
            self._looks[key] = tuple(rest[:-1])
        return first

    def _interval(self) -> float:
        return self.world.settings.resync_seconds * random.uniform(0.8, 1.2)

    # --- children ------------------------------------------------------------------------------------------

    async def _children(
        self, tenant: TenantObject, access: CellAccess, asleep: bool, found: Findings
    ) -> Converged:
        wanted = self.world.build(tenant, access, orchestrator_replicas=0 if asleep else None)
        converged = await self.children.converge(tenant, wanted)
        self._scale(wanted, converged, found)
        self._pace(tenant, converged)
        return converged

    @staticmethod
    def _scale(wanted: list[Manifest], converged: Converged, found: Findings) -> None:
        """What the scale subresource shows: the orchestrator's pods."""
        for manifest in wanted:
            name = manifest["metadata"]["name"]
            component = (manifest["metadata"].get("labels") or {}).get(COMPONENT_LABEL)
            if manifest["kind"] == DEPLOYMENT.name and component == ORCHESTRATOR and name in converged.pods:
                labels = manifest["spec"]["selector"]["matchLabels"]
                found.fields["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
                found.fields["replicas"] = converged.pods[name].wanted
                found.fields["readyReplicas"] = converged.pods[name].ready
                return
        found.fields |= {"selector": None, "replicas": None, "readyReplicas": None}

    def _pace(self, tenant: TenantObject, converged: Converged) -> None:
        """Tells the roll-out; a tenant that starts for the first time takes nobody's place in it."""
        rollout, status = self.world.rollout, tenant.status
        if converged.held_back:
            return
        reason = st.condition(status, st.PROGRESSING).get("reason")
        was_up = st.truth(status, st.READY) == "True" or reason == "RollingOut"
        if converged.settled or was_up:
            self.world.call(rollout.note(tenant.key, settled=converged.settled, stuck=converged.stuck))

    # --- Meta ----------------------------------------------------------------------------------------------

    async def _meta(self, sight: Sight, url: str, marks: "Marks", found: Findings) -> MunshiError | None:
        tenant, meta = sight.allowed, self.world.meta
        if meta is None:
            found.set(st.CREDENTIALS, "Unknown", "NotChecked", "the Graph API is not asked here")
            found.set(st.WEBHOOK, "Unknown", "NotChecked", "the Graph API is not asked here")
            return None
        now, key = self.world.clock(), tenant.key
        applied = str(found.fields.get("applied") or "")
        good = all(st.truth(tenant.status, kind) == "True" for kind in (st.CREDENTIALS, st.WEBHOOK))
        # A Secret that was away and came back with the same content is asked about again.
        was_away = st.condition(tenant.status, st.CREDENTIALS).get("reason") in st.SECRET_REASONS
        answered = applied.partition(".")[2] == marks.meta and not was_away
        if answered:
            first = now + random.random() * (_META_SECONDS if good else self.meta_again_seconds)
            if now < self._meta_due.setdefault(key, first):
                return None
        try:
            report = await meta.check(tenant.tenant, sight.credentials, url)
        except MunshiError as error:
            if answered:  # asked before about just these: what it said holds
                self._meta_due[key] = now + self._until_meta(key)
                return None
            found.set(st.CREDENTIALS, "Unknown", "GraphUnreachable", str(error))
            found.set(st.WEBHOOK, "Unknown", "GraphUnreachable", str(error))
            return error
        found.part(st.CREDENTIALS, report.credentials)
        found.part(st.WEBHOOK, report.webhook)
        fine = report.credentials.ok and report.webhook.ok
        if fine or not answered:
            self._meta_refused.pop(key, None)
        wait = _META_SECONDS * random.uniform(0.8, 1.2) if fine else self._until_meta(key)
        self._meta_due[key] = now + wait
        found.fields["applied"] = f"{applied.partition('.')[0]}.{marks.meta}"
        return None

    def _until_meta(self, key: TenantKey) -> float:
        """Seconds until Meta is asked again after one more refusal: at most a resync."""
        times = self._meta_refused[key] = self._meta_refused.get(key, 0) + 1
        wait = self.meta_again_seconds * 2.0 ** min(times - 1, 10)
        return min(self._interval(), wait * random.uniform(0.8, 1.2))

    # --- what it comes to ----------------------------------------------------------------------------------

    def _conclude(
        self, sight: Sight, converged: Converged, asleep: bool, found: Findings, failure: MunshiError | None
    ) -> None:
        status = sight.tenant.status
        pods = _pods(status, converged, asleep)
        found.conditions[st.READY] = ready = st.ready_of(found, status, pods)
        found.conditions[st.PROGRESSING] = _progress(converged, ready, failure)
        found.conditions[st.DEGRADED] = _degraded(sight, status, converged, found, failure)
        found.phase = _phase(ready, asleep, sight.allowed)

    async def _tell(self, sight: Sight, converged: Converged, found: Findings) -> None:
        """Events for what people want to know of: ready, no longer ready, set right, in trouble."""
        tenant, events = sight.tenant, self.world.events
        ready = found.conditions[st.READY]
        before = st.condition(tenant.status, st.READY)
        if ready.truth == "True" and before.get("status") != "True":
            await events.tell(tenant, "Normal", "Ready", "the tenant answers its customers")
        elif ready.truth == "False" and before.get("status") == "True":
            await events.tell(tenant, "Warning", ready.reason, ready.message)
        if converged.repaired:
            await events.tell(
                tenant,
                "Normal",
                "DriftRepaired",
                f"set back by the operator: {', '.join(converged.repaired)}",
            )
        degraded = found.conditions[st.DEGRADED]
        if degraded.truth == "True" and st.truth(tenant.status, st.DEGRADED) != "True":
            await events.tell(tenant, "Warning", degraded.reason, degraded.message)

    def _next(self, tenant: TenantObject, converged: Converged) -> Next:
        world, now = self.world, self.world.clock()
        times = [self._outside_due.get(tenant.key, now + self._interval()) - now]
        if world.meta is not None and tenant.key in self._meta_due:
            times.append(self._meta_due[tenant.key] - now)
        if tenant.tenant.spec.hibernated and world.settings.wake_on_webhook:
            times.append(world.settings.wake_poll_seconds * random.uniform(0.8, 1.2))
        if converged.taken:
            times.append(_TAKEN_SECONDS * random.uniform(0.8, 1.2))
        if not converged.settled:
            times.append(world.settings.rollout_fail_seconds)
        return Next(max(0.1, min(times)))


@dataclass(frozen=True, slots=True)
class Marks:
    """Digests of what is wanted outside and of what Meta is asked about, under the cell's key: the values are
    secrets, and a status is public."""

    outside: str
    meta: str


def _marks(access: CellAccess, served: Served, url: str) -> Marks:
    tenant = served.object.tenant
    spec = tenant.spec.model_dump(mode="json", by_alias=True)
    given = dict(served.credentials)
    numbers = spec["whatsapp"]
    wanted = [spec, given, served.cell, served.hibernated, access.partitions]
    return Marks(
        outside=_mark(access, [*wanted, access.object_store] if access.object_store else wanted),
        meta=_mark(access, [numbers, given, url]),
    )


def _mark(access: CellAccess, value: Any) -> str:
    plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hmac.new(bytes.fromhex(access.sealing_key), plain, hashlib.sha256).hexdigest()[:16]


def _pods(status: Mapping[str, Any], converged: Converged, asleep: bool) -> Finding:
    if converged.serving:
        if asleep:
            return Finding("True", "Hibernated", "asleep: webhooks are kept, nothing is answered")
        return Finding("True", "Serving", "the tenant answers its customers")
    if converged.lacking:
        return Finding("False", NAME_TAKEN, converged.whose_names_are_taken)
    waiting = sorted(
        f"{name} ({pods.ready} of {pods.wanted} ready)"
        for name, pods in converged.pods.items()
        if pods.ready < pods.wanted
    )
    reason = "PodsFailing" if converged.stuck else "PodsStarting"
    if st.truth(status, st.READY) == "True" and not converged.stuck:
        reason = "PodsNotReady"
    return Finding("False", reason, f"waiting for the pods of {', '.join(waiting)}; see kubectl get pods")


def _progress(converged: Converged, ready: Finding, failure: MunshiError | None) -> Finding:
    if failure is not None:
        return Finding("True", "Retrying", str(failure))
    if converged.held_back:
        return Finding("True", "AwaitingRollout", "a new version waits for this tenant's turn")
    if not converged.settled:
        name = "RollingOut" if ready.truth == "True" else "Starting"
        return Finding("True", name, "pods are being replaced or started")
    return Finding("False", st.FINE)


def _degraded(
    sight: Sight,
    status: Mapping[str, Any],
    converged: Converged,
    found: Findings,
    failure: MunshiError | None,
) -> Finding:
    if sight.claims.lost:
        return Finding("True", "PhoneNumberClaimed", sight.claims.message)
    for kind in (st.CREDENTIALS, st.DATABASE, st.STREAMS, st.STORAGE, st.WEBHOOK):
        finding = found.conditions.get(kind)
        old = st.condition(status, kind)
        if (finding.truth if finding else old.get("status")) == "False":
            reason = finding.reason if finding else str(old.get("reason", kind))
            return Finding("True", reason, finding.message if finding else str(old.get("message", "")))
    if converged.taken:
        return Finding("True", NAME_TAKEN, converged.whose_names_are_taken)
    if failure is not None:
        return Finding("True", getattr(failure, "reason", "Retrying"), str(failure))
    if converged.stuck:
        return Finding("True", "PodsFailing", "pods do not become ready; see kubectl get pods")
    return Finding("False", st.FINE)


def _phase(ready: Finding, asleep: bool, tenant: TenantObject) -> str:
    if ready.truth == "True":
        return "Hibernated" if asleep else "Ready"
    if ready.reason in {"PodsStarting", "Provisioning"}:
        return "Starting"
    return "Failed" if tenant.status.get("applied") is None else "NotReady"
