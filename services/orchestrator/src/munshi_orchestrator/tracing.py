"""Spans of turns and sends, linked to the webhooks by `traceparent`. Without an exporter they cost
nothing."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.trace import Link
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from munshi.telemetry.traces import ENDPOINT, parent, span_context


class Tracing:
    """Makes spans where an exporter is configured."""

    def __init__(self, *, enabled: bool | None = None) -> None:
        self._enabled = bool(os.environ.get(ENDPOINT)) if enabled is None else enabled
        self._tracer = trace.get_tracer("munshi.orchestrator")

    def span(
        self, name: str, traceparents: Sequence[str | None], **attributes: str | int
    ) -> contextlib.AbstractContextManager[str | None]:
        """A span below the first context and linked to the others; gives the `traceparent` of what
        follows."""
        if not self._enabled:
            return contextlib.nullcontext(traceparents[0] if traceparents else None)
        return self._span(name, traceparents, attributes)

    @contextlib.contextmanager
    def _span(
        self, name: str, traceparents: Sequence[str | None], attributes: Mapping[str, str | int]
    ) -> Iterator[str | None]:
        first = traceparents[0] if traceparents else None
        above = parent(first)
        context = trace.set_span_in_context(above) if above else None
        links = [Link(found) for other in traceparents[1:] if (found := span_context(other))]
        with self._tracer.start_as_current_span(name, context, links=links, attributes=attributes):
            carrier: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(carrier)
            yield carrier.get("traceparent", first)
