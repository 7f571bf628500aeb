"""Spans of a service's work: below the webhook that caused it, and passed on to whom it asks."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from munshi.telemetry.spans import Tracing, current_traceparent
from munshi.telemetry.traces import new_traceparent, span_context


def test_a_span_is_below_the_first_webhook_and_linked_to_the_others() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    first, other = new_traceparent(), new_traceparent()
    with Tracing("orchestrator", provider).span("turn", [first, other, None], tenant="shops_a") as given:
        assert given == current_traceparent()
    (done,) = exporter.get_finished_spans()
    assert (done.name, dict(done.attributes or {})) == ("turn", {"tenant": "shops_a"})
    assert done.context is not None
    assert given == f"00-{done.context.trace_id:032x}-{done.context.span_id:016x}-01"
    above, beside = span_context(first), span_context(other)
    assert above is not None
    assert beside is not None
    assert done.parent is not None
    assert (done.context.trace_id, done.parent.span_id) == (above.trace_id, above.span_id)
    assert [link.context.span_id for link in done.links] == [beside.span_id]


def test_without_an_exporter_the_webhooks_trace_is_passed_on() -> None:
    first = new_traceparent()
    with Tracing("media").span("read", [first]) as given:
        assert given == first
    with Tracing("media").span("read", []) as given:
        assert given is None


def test_outside_of_a_span_there_is_nothing_to_pass_on() -> None:
    assert current_traceparent() is None
