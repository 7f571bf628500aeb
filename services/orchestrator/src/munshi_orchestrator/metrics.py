"""The orchestrator's figures for Prometheus: base units, few series."""

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_TURN_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_AGE_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300, 3600)


class Metrics:
    """One of these a process, made by the composition root."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = self._counter("munshi_turns", "Turns by what became of them.", "outcome")
        self.turn = cache(self.turns.labels)
        """The counter of one outcome; finding it by its label costs more than counting."""
        self.turn_steps = self._histogram("munshi_turn_seconds", "Seconds of a turn by step.", "step")
        self.reply_age = Histogram(
            "munshi_reply_age_seconds",
            "Seconds from a message's arrival at ingress until Meta accepted its reply.",
            buckets=_AGE_BUCKETS,
            registry=self.registry,
        )
        self.sends = self._counter("munshi_sends", "Sends by class of answer.", "class")
        self.statuses = self._counter("munshi_statuses", "Statuses by what they changed.", "outcome")
        self.dead_letters = self._counter("munshi_dead_letters", "What failed for good.", "source", "reason")
        self.readings = self._counter("munshi_lane_readings", "Readings of lanes ended, by reason.", "reason")
        self.files = self._counter(
            "munshi_files_read", "Files of messages by what became of them.", "outcome"
        )
        self.file_seconds = Histogram(
            "munshi_file_wait_seconds",
            "Seconds that a conversation waited for a file to be fetched and read.",
            buckets=_AGE_BUCKETS,
            registry=self.registry,
        )
        self.spoken = self._counter("munshi_replies_spoken", "Replies to be spoken, by outcome.", "outcome")
        self.account_events = self._counter(
            "munshi_account_events", "Errors and account events from Meta, by field.", "field"
        )
        self.retries = self._counter(
            "munshi_retries", "Steps tried again, by what and why.", "what", "reason"
        )

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is scraped."""
        Gauge(name, help_text, registry=self.registry).set_function(read)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(name, help_text, labels, buckets=_TURN_BUCKETS, registry=self.registry)
