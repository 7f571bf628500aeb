"""Spans of work, linked to the webhooks by `traceparent`. Without an exporter they cost nothing."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from munshi.telemetry.traces import parent, span_context


class Tracing:
    """Makes spans where an exporter is configured."""

    def __init__(self, service: str, provider: trace.TracerProvider | None = None) -> None:
        """`provider`: by default that of the process."""
        provider = provider or trace.get_tracer_provider()
        # Without configuration the API's own provider is a stand-in, whose spans lead nowhere.
        exporting = isinstance(provider, TracerProvider)
        self._tracer = provider.get_tracer(f"munshi.{service}") if exporting else None

    def span(
        self, name: str, traceparents: Sequence[str | None], **attributes: str | int
    ) -> contextlib.AbstractContextManager[str | None]:
        """A span below the first context and linked to the others; gives the `traceparent` of what
        follows."""
        if self._tracer is None:
            return contextlib.nullcontext(traceparents[0] if traceparents else None)
        return _span(self._tracer, name, traceparents, attributes)


@contextlib.contextmanager
def _span(
    tracer: trace.Tracer,
    name: str,
    traceparents: Sequence[str | None],
    attributes: Mapping[str, str | int],
) -> Iterator[str | None]:
    first = traceparents[0] if traceparents else None
    above = parent(first)
    context = trace.set_span_in_context(above) if above else None
    links = [Link(found) for other in traceparents[1:] if (found := span_context(other))]
    with tracer.start_as_current_span(name, context, links=links, attributes=attributes):
        yield current_traceparent() or first


def current_traceparent() -> str | None:
    """The `traceparent` of the span that this is done in, for what is asked of others; `None` outside."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")
