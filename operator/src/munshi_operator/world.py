"""What a pass over one tenant leans on, and the writes to the tenant itself."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from munshi.contracts.ids import TenantKey
from munshi.errors import MunshiError
from munshi_operator.api import Cluster
from munshi_operator.events import Events
from munshi_operator.hibernating import Wakefulness
from munshi_operator.kinds import TENANT
from munshi_operator.observed import FINALIZER, Observed, SeenTenant
from munshi_operator.rollout import Rollout
from munshi_operator.settings import OperatorSettings
from munshi_operator.status import Findings, build_status
from munshi_operator.types import CellAccess, Manifest, MetaChecks, Outside, TenantObject


class Build(Protocol):
    """The builders, with the blueprint already given."""

    def __call__(
        self, tenant: TenantObject, access: CellAccess, *, orchestrator_replicas: int | None
    ) -> list[Manifest]:
        """All children that are wanted."""
        ...


@dataclass(frozen=True, slots=True)
class Next:
    """When a tenant wants its next pass, if nothing changes before."""

    after: float | None = None
    """Seconds; `None`: not before a change."""
    routine: bool = True
    """False: a step waits to go on."""
    failure: MunshiError | None = None
    """What could not be done, told in the status already."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """The parts, put together by the composition root."""

    cluster: Cluster
    observed: Observed
    outside: Outside
    meta: MetaChecks | None
    """Absent: the Graph API is not asked."""
    build: Build
    events: Events
    rollout: Rollout
    wakefulness: Wakefulness
    settings: OperatorSettings
    call: Callable[[Iterable[TenantKey]], None]
    """Asks for a pass over other tenants."""
    clock: Callable[[], float] = monotonic
    now: Callable[[], datetime] = _now
    repaired: Counter[str] = field(default_factory=Counter)
    """Drift set right, by kind of child or name of the outside's part."""
    left_behind: Counter[str] = field(default_factory=Counter)
    """Deletions that were ended with something left, by reason."""

    async def hold(self, tenant: TenantObject) -> None:
        """Puts the finalizer on, so that nothing outside is made that a deletion would forget."""
        manifest = bare(tenant)
        manifest["metadata"]["finalizers"] = [FINALIZER]
        self.observed.put_tenant(await self.cluster.apply(manifest))

    async def release(self, tenant: TenantObject) -> None:
        """Takes the finalizer off: an apply that no longer names it."""
        await self.cluster.apply(bare(tenant))
        self.call(self.observed.drop_tenant(tenant.key, tenant.uid) - {tenant.key})

    async def write_status(self, tenant: TenantObject, found: Findings) -> bool:
        """Writes the status if it differs; returns whether it did."""
        status = build_status(tenant.status, found, self.now())
        if status == dict(tenant.status):
            return False
        manifest = {**bare(tenant), "status": status}
        self.observed.put_tenant(await self.cluster.apply(manifest, "status"))
        return True

    async def write_unreadable(self, seen: SeenTenant, found: Findings) -> None:
        """Writes the status of a tenant that the contract cannot read."""
        status = build_status(seen.status, found, self.now())
        if status != dict(seen.status):
            manifest = {**_named(seen.key, seen.uid), "status": status}
            self.observed.put_tenant(await self.cluster.apply(manifest, "status"))


def bare(tenant: TenantObject) -> Manifest:
    """What names the tenant in an apply; its uid keeps an apply from making a new one."""
    return _named(tenant.key, tenant.uid)


def _named(key: TenantKey, uid: str) -> Manifest:
    namespace, _, name = key.partition("_")
    return {
        "apiVersion": TENANT.api_version,
        "kind": TENANT.name,
        "metadata": {"name": name, "namespace": namespace, "uid": uid},
    }
