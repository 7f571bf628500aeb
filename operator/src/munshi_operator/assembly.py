"""Puts the parts of one replica together; knows no server."""

from collections.abc import Callable
from dataclasses import dataclass

from munshi.contracts.ids import TenantKey
from munshi_operator.api import Cluster
from munshi_operator.engine import Engine
from munshi_operator.events import Events
from munshi_operator.hibernating import Wakefulness
from munshi_operator.observed import Observed
from munshi_operator.queue import Backoff, Queue
from munshi_operator.reconcile import Reconciler
from munshi_operator.rollout import Rollout
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import MetaChecks, Outside
from munshi_operator.world import Build, World
from munshi_operator.writing import Bucket, GuardedCluster

_WRITES_AT_ONCE = 64
"""In flight to the API server: it takes no more a second from more."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One replica, ready to run."""

    world: World
    engine: Engine
    cluster: GuardedCluster


def assemble(
    settings: OperatorSettings,
    cluster: Cluster,
    outside: Outside,
    meta: MetaChecks | None,
    build: Build,
    leading: Callable[[], bool],
) -> Parts:
    """The parts, with every write behind the guard."""
    guarded = GuardedCluster(
        cluster,
        Bucket(settings.writes_per_second, settings.write_burst),
        min(_WRITES_AT_ONCE, 4 * settings.parallel),
        leading,
    )
    observed = Observed()
    backoff = Backoff(settings.backoff_seconds, settings.backoff_most_seconds)
    queue: Queue[TenantKey] = Queue(backoff, group=_namespace)
    world = World(
        cluster=guarded,
        observed=observed,
        outside=outside,
        meta=meta,
        build=build,
        events=Events(guarded, settings.identity),
        rollout=Rollout(settings.rollout_at_once, settings.rollout_fail_seconds),
        wakefulness=Wakefulness(settings.idle_seconds),
        settings=settings,
        call=queue.add_many,
    )
    engine = Engine(guarded, observed, queue, Reconciler.over(world), settings)
    return Parts(world, engine, guarded)


def _namespace(key: TenantKey) -> object:
    """Whose changes take turns."""
    return key.partition("_")[0]
