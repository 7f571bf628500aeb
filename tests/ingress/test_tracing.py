"""The trace of a webhook, with and without an exporter."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from munshi.telemetry.traces import span_context
from munshi_ingress import answers
from munshi_ingress.tracing import Traces

CALLER = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_without_an_exporter_a_callers_trace_is_passed_on_and_else_one_begins() -> None:
    traces = Traces(trace.NoOpTracerProvider())
    assert traces.begin(CALLER) == (CALLER.decode(), None)
    fresh = {traces.begin(header)[0] for header in (None, None, b"", b"00-x", b"\xff" * 55)}
    assert len(fresh) == 5
    assert all(span_context(each) is not None for each in fresh)


def test_with_an_exporter_the_events_hang_under_the_webhooks_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces = Traces(provider)
    traceparent, span = traces.begin(CALLER)
    traces.end(span, answers.KEPT, 3)
    (done,) = exporter.get_finished_spans()
    assert done.context is not None
    assert done.parent is not None
    assert traceparent == f"00-{done.context.trace_id:032x}-{done.context.span_id:016x}-01"
    assert f"{done.context.trace_id:032x}" == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert f"{done.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert done.attributes == {
        "munshi.outcome": "kept",
        "messaging.batch.message_count": 3,
        "http.response.status_code": 200,
    }
    _, failed = traces.begin(None)
    traces.end(failed, answers.BUS_AWAY, 0)
    assert not exporter.get_finished_spans()[1].status.is_ok
