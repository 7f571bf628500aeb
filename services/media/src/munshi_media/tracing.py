"""Spans of requests, below the turn that asked. Without an exporter they cost nothing."""

import contextlib
import os
from collections.abc import Iterator

from opentelemetry import trace

from munshi.telemetry.traces import ENDPOINT, parent


class Tracing:
    """Makes spans where an exporter is configured."""

    def __init__(self, *, enabled: bool | None = None) -> None:
        self._enabled = bool(os.environ.get(ENDPOINT)) if enabled is None else enabled
        self._tracer = trace.get_tracer("munshi.media")

    @contextlib.contextmanager
    def span(self, name: str, traceparent: str | None) -> Iterator[None]:
        """A span below the given context."""
        if not self._enabled:
            yield
            return
        above = parent(traceparent)
        context = trace.set_span_in_context(above) if above else None
        with self._tracer.start_as_current_span(name, context):
            yield
