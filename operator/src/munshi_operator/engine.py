"""Keeps all tenants as they are wanted: watches feed the queue, the queue feeds the passes."""

import asyncio
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog

from munshi.contracts.ids import TenantKey
from munshi.errors import MunshiError, Permanent, Retryable
from munshi_operator.api import Cluster, Conflict, Gone, NotLeading, Selection
from munshi_operator.kinds import CHILDREN, SECRET, TENANT
from munshi_operator.observed import TENANT_LABEL, Observed
from munshi_operator.queue import Lane, Queue
from munshi_operator.reconcile import Reconciler
from munshi_operator.reflecting import Reflector
from munshi_operator.settings import OperatorSettings
from munshi_operator.sinks import ChildSink, SecretSink
from munshi_operator.types import Manifest, Unfinished

_log = structlog.get_logger()

_SETTLE_SECONDS = 0.1
"""Changes of children come in crowds; a pass waits for the crowd."""


@dataclass
class Engine:
    """One replica's loop."""

    cluster: Cluster
    observed: Observed
    queue: Queue[TenantKey]
    reconciler: Reconciler
    settings: OperatorSettings
    reflectors: list[Reflector] = field(init=False)
    passes: Counter[str] = field(default_factory=Counter)
    """Passes by outcome: ok, retry, refused, late, defect."""
    last_census: float = field(init=False)
    stale: int = field(init=False, default=0)
    """Tenants of whose last change the watch had not told when the census came."""

    deaf: int = field(init=False, default=0)
    """Times in a row that a census found changes while the watch of tenants told of none at all."""
    timed: Callable[[float], None] = lambda _seconds: None
    """Told the seconds of every pass."""
    begun: bool = field(init=False, default=False)
    """Whether passes are made: a replica that waits for its turn only collects what it would do."""
    _first: set[TenantKey] | None = field(init=False, default=None)
    """Who has not had a pass since the start."""

    def __post_init__(self) -> None:
        self.reflectors = self._make_reflectors()
        self.last_census = self._heard = monotonic()

    # --- what comes in -------------------------------------------------------------------------------------

    def tenant_changed(self, kind: str | None, raw: Manifest) -> None:
        """Takes an event of a tenant, as kopf hands it out: `None` for one of a list."""
        meta = raw["metadata"]
        self._heard = monotonic()
        if kind == "DELETED":
            self.concern(self.observed.drop_tenant(_key(raw), meta["uid"]))
        else:
            self.concern(self.observed.put_tenant(raw))

    def concern(self, keys: AbstractSet[TenantKey]) -> None:
        """Somebody changed these tenants or their Secrets."""
        for key in keys:
            self.queue.add(key, Lane.CHANGE)

    def concern_children(self, keys: AbstractSet[TenantKey]) -> None:
        """Children of these tenants moved."""
        for key in keys:
            self.queue.add(key, Lane.CHILD, _SETTLE_SECONDS)

    # --- tasks ---------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Follows Secrets and children for ever."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run(), name=f"follow {reflector.selection.kind.plural}")

    async def synced(self) -> None:
        """Returns when everything that is there has been seen once."""
        await self.take_census()
        for reflector in self.reflectors:
            await reflector.synced.wait()

    def begin(self) -> None:
        """All has been seen once: a new version may be rolled when every tenant has had its first pass."""
        self.begun = True
        self.queue.resume()
        self._first = {one.key for one in self.observed.tenants()}
        self._open_rollout()

    async def work(self) -> None:
        """Passes over tenants, so many at once, for ever."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.settings.parallel):
                group.create_task(self._work(), name=f"work {number}")

    async def keep_census(self) -> None:
        """Compares what is known of tenants with a list of them, now and then, for ever."""
        while True:
            await asyncio.sleep(self.settings.census_seconds)
            try:
                await self.take_census()
            except MunshiError as error:
                _log.warning("census_failed", reason=str(error))

    async def take_census(self) -> None:
        """Takes a list of all tenants as what is there; whoever is not in it is gone.

        Raises:
            MunshiError: the list cannot be had.
        """
        stale = 0
        for namespace in self.settings.namespaces or (None,):
            before = {one.uid: one for one in self.observed.tenants()}
            there: set[str] = set()
            version = 0
            async for page in self.cluster.list(Selection(TENANT, namespace)):
                version = int(page.resource_version or 0)
                for raw in page.items:
                    there.add(raw["metadata"]["uid"])
                    concerned = self.observed.put_tenant(raw)
                    stale += bool(concerned)
                    self.concern(concerned)
                await asyncio.sleep(0)
            for uid, one in before.items():
                here = namespace is None or one.key.startswith(f"{namespace}_")
                if here and uid not in there and one.version <= version:
                    self.concern(self.observed.drop_tenant(one.key, uid))
        silent = self._heard < self.last_census
        self.deaf = self.deaf + 1 if stale and silent else 0
        self.stale, self.last_census = stale, monotonic()

    async def _work(self) -> None:
        while True:
            key = await self.queue.take()
            await self._one(key)
            # A pass at rest asks nobody, so nothing else makes it give way: to the Lease, health, watches.
            await asyncio.sleep(0)

    async def _one(self, key: TenantKey) -> None:
        outcome, begun = "ok", monotonic()
        try:
            async with asyncio.timeout(self.settings.deadline_seconds):
                after = await self.reconciler.reconcile(key)
        except NotLeading:
            outcome = "retry"
            self.queue.failed(key)
        except TimeoutError:
            outcome = "late"
            wait = self.queue.failed(key)
            _log.error("pass_too_slow", tenant=key, seconds=self.settings.deadline_seconds, again_in=wait)
        except (Gone, Conflict) as error:
            outcome = "retry"
            self.queue.failed(key, error.delay if isinstance(error, Retryable) else 0.0)
        except Retryable as error:
            hopeless = isinstance(error, Unfinished) and error.permanent
            outcome = "refused" if hopeless else "retry"
            wait = self.queue.failed(key, self.settings.backoff_most_seconds / 2 if hopeless else error.delay)
            _log.warning("pass_failed", tenant=key, reason=str(error), again_in=round(wait, 1))
        except Permanent as error:
            outcome = "refused"
            wait = self.queue.failed(key, self.settings.backoff_most_seconds / 2)
            _log.error("pass_refused", tenant=key, reason=str(error), again_in=round(wait, 1))
        except MunshiError as error:
            outcome = "refused"
            wait = self.queue.failed(key)
            _log.error("pass_refused", tenant=key, reason=str(error), again_in=round(wait, 1))
        except Exception:  # noqa: BLE001  # a defect met by one tenant must not end the service of all
            outcome = "defect"
            wait = self.queue.failed(key)
            _log.exception("pass_broken", tenant=key, again_in=round(wait, 1))
        except BaseException:
            self.queue.failed(key)
            raise
        else:
            gone = self.observed.tenant(key) is None
            if gone:
                self.queue.forget(key)
            lane = Lane.ROUTINE if after.routine else Lane.CHILD
            self.queue.done(key, None if gone else after.after, lane)
        self.passes[outcome] += 1
        self.timed(monotonic() - begun)
        if self._first is not None:
            self._first.discard(key)
            self._open_rollout()

    def _open_rollout(self) -> None:
        if not self._first:
            self._first = None
            self.queue.add_many(self.reconciler.world.rollout.open())

    def _make_reflectors(self) -> list[Reflector]:
        made = []
        for namespace in self.settings.namespaces or (None,):
            secrets = Selection(SECRET, namespace, fields=self.settings.secret_fields)
            made.append(Reflector(self.cluster, secrets, SecretSink(self.observed, self.concern)))
            for kind in CHILDREN:
                chosen = Selection(kind, namespace, labels=TENANT_LABEL)
                sink = ChildSink(self.observed, kind, namespace, self.concern_children)
                made.append(Reflector(self.cluster, chosen, sink))
        return made


def _key(raw: dict[str, Any]) -> TenantKey:
    return TenantKey(f"{raw['metadata']['namespace']}_{raw['metadata']['name']}")
