"""Prometheus metrics of the process. A registry of its own, so that two stand-ins can live in one process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """What is counted. Base units; no series per number or person."""

    def __init__(self) -> None:
        """Make and register the metrics."""
        self.registry = CollectorRegistry()
        self.sends = Counter(
            "munshi_emulator_sends",
            "Calls of the messages endpoint by outcome",
            ["code"],
            registry=self.registry,
        )
        self.inbound = Counter(
            "munshi_emulator_inbound", "Customers' messages taken in", registry=self.registry
        )
        self.updates = Counter(
            "munshi_emulator_updates",
            "Webhook updates by what became of an attempt",
            ["outcome"],
            registry=self.registry,
        )
        self.webhook_posts = Counter(
            "munshi_emulator_webhook_posts",
            "Webhook POSTs by answer (0: none)",
            ["code"],
            registry=self.registry,
        )
        self.webhook_seconds = Histogram(
            "munshi_emulator_webhook_seconds",
            "Time until a webhook answered",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "munshi_emulator_updates_waiting", "Updates not delivered yet", registry=self.registry
        )
