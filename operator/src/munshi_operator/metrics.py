"""What the operator counts, made into Prometheus's families when scraped."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from munshi_operator.assembly import Parts

_PREFIX = "munshi_operator"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_Values = TypeVar("_Values", bound=tuple[str, ...])
_LONG_SECONDS = 600.0
"""A tenant that is not Ready for longer is in trouble, not starting."""


class Metrics(Collector):
    """Families of one replica."""

    def __init__(self, parts: Parts, leading: Callable[[], bool]) -> None:
        self._parts = parts
        self._leading = leading

    def collect(self) -> Iterable[Metric]:
        """The families, at this moment."""
        engine, world, cluster = self._parts.engine, self._parts.world, self._parts.cluster
        queue, rollout = engine.queue, world.rollout
        yield _counter("reconciles", "Passes over tenants", ("outcome",), _single(engine.passes))
        yield _counter("api_writes", "Writes to the API server", ("verb", "kind", "outcome"), cluster.writes)
        yield _counter("drift_repaired", "Drift set right", ("what",), _single(world.repaired))
        yield _counter(
            "left_behind", "Deletions ended with something left", ("policy",), _single(world.left_behind)
        )
        yield _counter("events_dropped", "Events not written", (), {(): world.events.dropped})
        yield _gauge("queue_depth", "Tenants that wait for a pass", queue.depth)
        yield _gauge("queue_working", "Tenants in work", queue.working)
        yield _gauge("queue_oldest_seconds", "Wait of the tenant that waits longest", queue.oldest)
        yield _gauge("progress_age_seconds", "Since a pass last ended, while there is work", queue.silent)
        yield _gauge("leader", "Whether this replica leads", float(self._leading()))
        yield _gauge("rollout_rolling", "Tenants whose pods are being replaced", rollout.rolling)
        yield _gauge("rollout_waiting", "Tenants that wait for a new version", rollout.waiting)
        yield _gauge("rollout_failed", "Tenants that stop the roll-out", len(rollout.failed))
        yield _gauge("census_stale", "Tenants of whose change the watch had not told", engine.stale)
        yield self._watches()
        yield from self._tenants()

    def _watches(self) -> Metric:
        family = GaugeMetricFamily(
            f"{_PREFIX}_watch_age_seconds", "Since the server was last heard of a kind", labels=["kind"]
        )
        for reflector in self._parts.engine.reflectors:
            family.add_metric([reflector.selection.kind.name], reflector.age)
        return family

    def _tenants(self) -> Iterable[Metric]:
        now = datetime.now(UTC)
        by_truth: Counter[str] = Counter({"True": 0, "False": 0, "Unknown": 0})
        long = stuck = 0
        patience = self._parts.world.settings.finalizer_seconds / 3
        for one in self._parts.world.observed.tenants():
            if one.deleting is not None:
                stuck += one.held and (now - one.deleting).total_seconds() > patience
                continue
            by_truth[one.ready] += 1
            waits = one.ready != "True" and not one.paused
            long += waits and (now - (one.ready_since or one.created)).total_seconds() > _LONG_SECONDS
        family = GaugeMetricFamily(f"{_PREFIX}_tenants", "Tenants by their condition Ready", labels=["ready"])
        for truth, count in by_truth.items():
            family.add_metric([truth], count)
        yield family
        yield _gauge("tenants_not_ready_long", "Tenants not Ready for more than 10 minutes", long)
        yield _gauge("finalizers_stuck", "Deletions that take more than a third of their deadline", stuck)


def make_registry(parts: Parts, leading: Callable[[], bool]) -> CollectorRegistry:
    """All that `/metrics` serves; passes are timed from here on."""
    registry = CollectorRegistry()
    registry.register(Metrics(parts, leading))
    seconds = Histogram(
        f"{_PREFIX}_reconcile_seconds", "Seconds of a pass", buckets=_SECONDS, registry=registry
    )
    parts.engine.timed = seconds.observe
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _single(counts: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): count for name, count in counts.items()}


def _counter(
    name: str, what: str, labels: tuple[str, ...], counts: Mapping[_Values, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"{_PREFIX}_{name}", what, labels=labels)
    for values, count in list(counts.items()):
        family.add_metric(list(values), count)
    return family


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", what, value=value)
