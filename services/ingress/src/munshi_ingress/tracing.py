"""The trace of a webhook: its `traceparent` goes to the bus; a span is made only where spans are exported."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from munshi.telemetry.traces import new_traceparent, parent, span_context
from munshi_ingress.answers import Answer


class Traces:
    """Begins and ends the span of each webhook. Without an exporter that costs a fresh id and no more."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        # Without configuration the API's own provider is a stand-in, whose spans lead nowhere.
        exporting = isinstance(provider, TracerProvider)
        self._tracer = provider.get_tracer("munshi.ingress") if exporting else None

    def begin(self, header: bytes | None) -> tuple[str, Span | None]:
        """The `traceparent` of this request's events, and its span where there is one.

        A caller's `traceparent` is taken over; a malformed one is replaced.
        """
        given = header.decode("latin-1") if header else None
        if self._tracer is None:
            return (given if given and span_context(given) else new_traceparent()), None
        above = parent(given)
        context = trace.set_span_in_context(above) if above else None
        span = self._tracer.start_span("webhook", context=context, kind=SpanKind.SERVER)
        own = span.get_span_context()
        ids = f"{trace.format_trace_id(own.trace_id)}-{trace.format_span_id(own.span_id)}"
        return f"00-{ids}-{own.trace_flags:02x}", span

    @staticmethod
    def end(span: Span | None, answer: Answer, count: int) -> None:
        """Ends a request's span with its answer and the number of messages for the bus."""
        if span is None:
            return
        span.set_attribute("munshi.outcome", answer.outcome)
        span.set_attribute("messaging.batch.message_count", count)
        span.set_attribute("http.response.status_code", answer.status)
        if answer.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()


def trace_id_of(traceparent: str) -> str:
    """The trace's id, for logs."""
    return traceparent.split("-")[1]
