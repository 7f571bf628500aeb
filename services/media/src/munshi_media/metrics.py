"""The media service's figures for Prometheus: base units, few series."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """One of these a process, made by the composition root."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "munshi_media_requests",
            "Requests answered, by verb and outcome: done, or the reason of a refusal or failure.",
            ("verb", "outcome"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "munshi_media_request_seconds",
            "Seconds from a request to its answer.",
            ("verb",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.fetches = Counter(
            "munshi_media_fetches",
            "Downloads ended, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self.fetched_bytes = Counter(
            "munshi_media_fetched_bytes", "Bytes that came from Meta.", registry=self.registry
        )
        self.read_seconds = Histogram(
            "munshi_media_read_seconds",
            "Seconds of an engine for one file.",
            ("part",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.uploads = Counter(
            "munshi_media_uploads",
            "Uploads to Meta, by what became of them; reused: an id that still lives.",
            ("outcome",),
            registry=self.registry,
        )
        self.deleted = Counter(
            "munshi_media_deleted_objects", "Objects deleted, by why.", ("why",), registry=self.registry
        )

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is scraped."""
        Gauge(name, help_text, registry=self.registry).set_function(read)
