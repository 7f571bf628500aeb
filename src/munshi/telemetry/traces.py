"""Traces by OpenTelemetry. The exporter is optional: without `OTEL_EXPORTER_OTLP_ENDPOINT` no span is kept.

The W3C `traceparent` travels in HTTP and bus headers whether spans are exported or not.
"""

import os
import random

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from munshi.errors import UserMistake

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def configure_traces(service: str) -> None:
    """Exports spans by OTLP over HTTP where the field's usual variable names an endpoint.

    Raises:
        UserMistake: the variable is set but the exporter is not installed (`pip install munshi[otlp]`).
    """
    if not os.environ.get(ENDPOINT):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise UserMistake(f"{ENDPOINT} is set, but the exporter is missing: install munshi[otlp]") from error
    provider = TracerProvider(resource=Resource.create({"service.name": f"munshi-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def new_traceparent() -> str:
    """A fresh W3C `traceparent`, sampled. Ids need to differ, not to be secret: no system call is spent."""
    return f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-01"


def span_context(traceparent: str | None) -> SpanContext | None:
    """The remote context that a `traceparent` names; `None` where it is absent or malformed."""
    parts = (traceparent or "").split("-")
    if len(parts) != 4 or [len(part) for part in parts] != [2, 32, 16, 2]:
        return None
    try:
        context = SpanContext(
            trace_id=int(parts[1], 16),
            span_id=int(parts[2], 16),
            is_remote=True,
            trace_flags=TraceFlags(int(parts[3], 16)),
            trace_state=TraceState(),
        )
    except ValueError:
        return None
    return context if context.is_valid else None


def parent(traceparent: str | None) -> trace.Span | None:
    """A span that stands for the remote parent, to start children under."""
    context = span_context(traceparent)
    return NonRecordingSpan(context) if context else None
