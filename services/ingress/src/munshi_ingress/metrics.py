"""The metrics of ingress: plain counters on the hot path, made into Prometheus's families when scraped.

The client library's own counters take a lock and a look-up for each increment; here a webhook pays for a few
additions of integers.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""0.25 and 1.0 are what Meta asks of a receiver: median and 99th percentile."""
_PREFIX = "munshi_ingress"


class Durations:
    """A histogram of seconds."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(_SECONDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """Counts one duration."""
        self._counts[bisect_left(_SECONDS, seconds)] += 1
        self._sum += seconds

    def family(self, name: str, what: str) -> HistogramMetricFamily:
        """As Prometheus takes it: counts grow from bucket to bucket."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for limit, count in zip([*map(str, _SECONDS), "+Inf"], self._counts, strict=True):
            total += count
            buckets.append((limit, total))
        return HistogramMetricFamily(name, what, buckets=buckets, sum_value=self._sum)


class Metrics(Collector):
    """All that ingress counts. `gauges` are read when scraped."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        """POSTs and handshakes by outcome (`answers.py`)."""
        self.events: Counter[str] = Counter()
        """Events kept, by kind."""
        self.dead_letters: Counter[str] = Counter()
        """Dead letters kept, by reason."""
        self.request_seconds = Durations()
        self.publish_seconds = Durations()
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def collect(self) -> Iterable[Metric]:
        """The families, at this moment."""
        yield _counter("requests", "Webhook requests answered", "outcome", self.requests)
        yield _counter("events", "Events kept by the bus", "kind", self.events)
        yield _counter("dead_letters", "Dead letters kept by the bus", "reason", self.dead_letters)
        yield _counter(
            "signature_failures", "Webhooks with a wrong or absent signature", None, self._unsigned()
        )
        yield self.request_seconds.family(f"{_PREFIX}_request_seconds", "From the headers to the answer")
        yield self.publish_seconds.family(
            f"{_PREFIX}_publish_seconds", "Until the bus kept a webhook's events"
        )
        for name, (what, read) in self.gauges.items():
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", what, value=read())

    def _unsigned(self) -> Counter[str]:
        return Counter({"": self.requests["unsigned"]})


def _counter(name: str, what: str, label: str | None, counts: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"{_PREFIX}_{name}", what, labels=[label] if label else [])
    for value, count in counts.items():
        family.add_metric([value] if label else [], count)
    return family
