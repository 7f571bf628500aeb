"""Each alert with series that make it fire and series that must not."""

from dataclasses import dataclass

Series = dict[str, str]
"""Series to values, as promtool writes them: `0+5x60` begins at 0 and grows by 5 at each of 60 steps."""


@dataclass(frozen=True)
class Case:
    """One story."""

    what: str
    alert: str
    fires: bool
    at: str
    """When it is asked."""
    series: Series
    labels: str = ""
    """Further matchers on the alert: severity, tenant."""
    step: str = "1m"


def _ingress(outcome: str, values: str, tenant: str = "sharma-kirana") -> Series:
    where = f'namespace="shops",pod="p-1",tenant="{tenant}"'
    return {f'munshi_ingress_requests_total{{outcome="{outcome}",{where}}}': values}


def _replies(quick: str, every: str) -> Series:
    where = 'namespace="shops",pod="o-1",tenant="sharma-kirana"'
    return {
        f'munshi_reply_age_seconds_bucket{{le="5.0",{where}}}': quick,
        f"munshi_reply_age_seconds_count{{{where}}}": every,
    }


def _of(metric: str, values: str, labels: str = "") -> Series:
    where = 'namespace="shops",pod="o-1",tenant="sharma-kirana"'
    return {f"{metric}{{{where}{',' if labels else ''}{labels}}}": values}


def _operator(metric: str, values: str, leader: str = "1x60", labels: str = "") -> Series:
    where = 'namespace="munshi",pod="munshi-operator-1"'
    return {
        f"munshi_operator_{metric}{{{where}{',' if labels else ''}{labels}}}": values,
        f"munshi_operator_leader{{{where}}}": leader,
    }


def _turn_seconds(quick: str, every: str) -> Series:
    """Turns whose computing took up to a second, and all of them."""
    return {
        **_of("munshi_turn_seconds_bucket", quick, 'step="compute",le="1.0"'),
        **_of("munshi_turn_seconds_bucket", every, 'step="compute",le="2.0"'),
        **_of("munshi_turn_seconds_bucket", every, 'step="compute",le="+Inf"'),
        **_of("munshi_turn_seconds_count", every, 'step="compute"'),
    }


def _triton(metric: str, values: str, model: str) -> Series:
    return {f'nv_inference_{metric}{{namespace="munshi",pod="munshi-triton-1",model="{model}"}}': values}


def _budget(values: str) -> Series:
    return _of("munshi_llm_budget_used_ratio", values, 'tenant_key="shops_sharma-kirana"')


def _llm(outcome: str, values: str) -> Series:
    return _of("munshi_llm_calls_total", values, f'model="small",purpose="analyze",outcome="{outcome}"')


def _vllm(values: str) -> Series:
    return {'vllm:num_requests_waiting{namespace="munshi",pod="munshi-vllm-1"}': values}


_PAGE = 'severity="page"'
_TICKET = 'severity="ticket"'
_STREAM = 'account="A1",account_name="shops_sharma-kirana",stream_name="EVENTS",server_name="nats-0"'

CASES = (
    Case("one in twenty refused for an hour", "MunshiWebhooksRefused", True, "80m",
         _ingress("kept", "0+95x120") | _ingress("bus_away", "0+5x120"), _PAGE),
    Case("a few in a thousand for days", "MunshiWebhooksRefused", True, "4d",
         _ingress("kept", "0+997x1200") | _ingress("bus_full", "0+3x1200"), _TICKET, step="5m"),
    Case("a few in a thousand call nobody", "MunshiWebhooksRefused", False, "4d",
         _ingress("kept", "0+997x1200") | _ingress("bus_full", "0+3x1200"), _PAGE, step="5m"),
    Case("within the budget", "MunshiWebhooksRefused", False, "4d",
         _ingress("kept", "0+9999x1200") | _ingress("busy", "0+1x1200"), step="5m"),
    Case("wrong signatures are not our failing", "MunshiWebhooksRefused", False, "80m",
         _ingress("kept", "0+50x120") | _ingress("unsigned", "0+50x120")),
    Case("over long ago", "MunshiWebhooksRefused", False, "3h",
         _ingress("kept", "0+95x240") | _ingress("bus_away", "0+95x20 1900x220"), _PAGE),
    Case("a third leaves late", "MunshiRepliesLate", True, "80m",
         _replies("0+66x120", "0+100x120"), _PAGE),
    Case("all leave in time", "MunshiRepliesLate", False, "80m", _replies("0+100x120", "0+100x120")),
    Case("somebody knocks", "MunshiSignatureFailures", True, "30m",
         _of("munshi_ingress_signature_failures_total", "0+30x60"), 'tenant="sharma-kirana"'),
    Case("one typing mistake", "MunshiSignatureFailures", False, "30m",
         _of("munshi_ingress_signature_failures_total", "0x10 3x50")),
    Case("a message waits for minutes", "MunshiOldestMessageWaits", True, "20m",
         _of("munshi_queue_age_seconds", "0+60x60"), _PAGE),
    Case("messages come and nobody works", "MunshiOldestMessageWaits", True, "30m",
         _of("munshi_ingress_events_total", "0+10x60", 'kind="message"')),
    Case("messages come and are worked on", "MunshiOldestMessageWaits", False, "30m",
         _of("munshi_ingress_events_total", "0+10x60", 'kind="message"')
         | _of("munshi_turns_total", "0+10x60", 'outcome="turn"') | _of("munshi_queue_age_seconds", "2x60")),
    Case("only statuses come", "MunshiOldestMessageWaits", False, "30m",
         _of("munshi_ingress_events_total", "0+10x60", 'kind="status"')),
    Case("every second turn again", "MunshiTurnsRetried", True, "50m",
         _of("munshi_turns_total", "0+10x60", 'outcome="turn"')
         | _of("munshi_retries_total", "0+5x60", 'what="turn",reason="away"'), _TICKET),
    Case("a retry now and then", "MunshiTurnsRetried", False, "50m",
         _of("munshi_turns_total", "0+100x60", 'outcome="turn"')
         | _of("munshi_retries_total", "0+1x60", 'what="turn",reason="conflict"')),
    Case("the first letter of its reason", "MunshiDeadLetters", True, "30m",
         _of("munshi_dead_letters_total", "_x20 1x40", 'source="turn",reason="defect"'), _TICKET),
    Case("one more letter", "MunshiDeadLetters", True, "70m",
         _of("munshi_dead_letters_total", "1x60 2x60", 'source="turn",reason="defect"')),
    Case("a letter of ingress", "MunshiDeadLetters", True, "30m",
         _of("munshi_ingress_dead_letters_total", "_x20 1x40", 'reason="unreadable"')),
    Case("an old letter", "MunshiDeadLetters", False, "80m",
         _of("munshi_dead_letters_total", "_x10 1x110", 'source="turn",reason="defect"')),
    Case("the pool's memory is full", "MunshiPoolSaturated", True, "20m",
         {'munshi_queue_events{namespace="munshi",pod="o-1",tenant="pool"}': "19000x60"}, _PAGE),
    Case("the pool answers busy", "MunshiPoolSaturated", True, "20m", _ingress("busy", "0+30x60", "pool")),
    Case("a dedicated tenant is full", "MunshiPoolSaturated", False, "20m",
         _of("munshi_queue_events", "19000x60")),
    Case("half of the turns compute for long", "MunshiUnderstandingSlow", True, "30m",
         _turn_seconds("0+30x60", "0+60x60"), _TICKET),
    Case("turns compute quickly", "MunshiUnderstandingSlow", False, "30m",
         _turn_seconds("0+60x60", "0+60x60")),
    Case("one slow turn in the night", "MunshiUnderstandingSlow", False, "30m",
         _turn_seconds("0x60", "0x20 1x40")),
    Case("every second file fails", "MunshiMediaFailing", True, "40m",
         _of("munshi_media_requests_total", "0+5x60", 'verb="read",outcome="done"')
         | _of("munshi_media_requests_total", "0+5x60", 'verb="read",outcome="meta_away"'), _TICKET),
    Case("every second file is refused", "MunshiMediaFailing", False, "40m",
         _of("munshi_media_requests_total", "0+5x60", 'verb="read",outcome="done"')
         | _of("munshi_media_requests_total", "0+5x60", 'verb="read",outcome="too_large"')),
    Case("two failures in the night", "MunshiMediaFailing", False, "40m",
         _of("munshi_media_requests_total", "0x20 2x40", 'verb="read",outcome="meta_away"')),
    Case("files wait", "MunshiMediaWaits", True, "30m",
         _of("munshi_media_fetches_waiting", "90x60") | _of("munshi_media_readings_waiting", "90x60"),
         _TICKET),
    Case("a short queue", "MunshiMediaWaits", False, "30m",
         _of("munshi_media_fetches_waiting", "20x60") | _of("munshi_media_readings_waiting", "20x60")),
    Case("the store is away", "MunshiObjectStoreAway", True, "30m",
         _of("munshi_media_stores_up", "1x5 0x55"), _PAGE),
    Case("the store was away for a moment", "MunshiObjectStoreAway", False, "30m",
         _of("munshi_media_stores_up", "1x22 0x3 1x35")),
    Case("no Triton", "MunshiTritonDown", True, "30m", {"up": "1x60"}, _TICKET),
    Case("Triton without requests", "MunshiTritonDown", False, "30m",
         _triton("request_success", "0x60", "documents")),
    Case("a queue of pictures", "MunshiTritonQueue", True, "30m",
         _triton("request_success", "0+60x60", "documents")
         | _triton("queue_duration_us", "0+180000000x60", "documents"), 'model="documents"'),
    Case("no queue", "MunshiTritonQueue", False, "30m",
         _triton("request_success", "0+600x60", "ledger_nlu")
         | _triton("queue_duration_us", "0+600000x60", "ledger_nlu")),
    Case("Triton at rest", "MunshiTritonQueue", False, "30m",
         _triton("request_success", "5x60", "documents")
         | _triton("queue_duration_us", "9000000x60", "documents")),
    Case("prompts wait", "MunshiVllmWaits", True, "30m", _vllm("40x60"), _TICKET),
    Case("no language model", "MunshiVllmWaits", True, "30m", {"up": "1x60"}, _TICKET),
    Case("few prompts wait", "MunshiVllmWaits", False, "30m", _vllm("3x60")),
    Case("a budget is used up", "MunshiLlmBudget", True, "20m", _budget("0.95x4 1x56"),
         'severity="ticket",budget="spent",tenant_key="shops_sharma-kirana"'),
    Case("a budget is nearly used up", "MunshiLlmBudget", True, "20m", _budget("0.85x60"),
         'severity="ticket",budget="near"'),
    Case("nearly is not wholly", "MunshiLlmBudget", False, "20m", _budget("0.85x60"), 'budget="spent"'),
    Case("wholly is told once", "MunshiLlmBudget", False, "20m", _budget("1x60"), 'budget="near"'),
    Case("no tenant is near its budget", "MunshiLlmBudget", False, "20m", _llm("done", "0+60x60")),
    Case("a budget that was raised", "MunshiLlmBudget", False, "30m", _budget("1x5 _x55")),
    Case("every second call of a model fails", "MunshiLlmFailing", True, "30m",
         _llm("done", "0+5x60") | _llm("failed", "0+5x60"), 'severity="ticket",model="small"'),
    Case("one in fifty fails", "MunshiLlmFailing", False, "30m",
         _llm("done", "0+49x60") | _llm("failed", "0+1x60")),
    Case("over the budget is no failing", "MunshiLlmFailing", False, "30m",
         _llm("done", "0+5x60") | _llm("over_budget", "0+50x60")),
    Case("two failures in the night", "MunshiLlmFailing", False, "30m", _llm("failed", "0x20 2x40")),
    Case("a server near its limit", "MunshiNatsAssets", True, "50m",
         {'jetstream_server_total_streams{server_name="nats-0"}': "900x60",
          'jetstream_server_total_consumers{server_name="nats-0"}': "900x60"}, _TICKET),
    Case("a server with room", "MunshiNatsAssets", False, "50m",
         {'jetstream_server_total_streams{server_name="nats-0"}': "500x60",
          'jetstream_server_total_consumers{server_name="nats-0"}': "500x60"}),
    Case("a stream fills", "MunshiStreamFull", True, "20m",
         {f"jetstream_stream_total_bytes{{{_STREAM}}}": "0+10x60",
          f"jetstream_stream_limit_bytes{{{_STREAM}}}": "120x60"}, 'stream_name="EVENTS"'),
    Case("a stream without a limit", "MunshiStreamFull", False, "50m",
         {f"jetstream_stream_total_bytes{{{_STREAM}}}": "0+10x60",
          f"jetstream_stream_limit_bytes{{{_STREAM}}}": "-1x60"}),
    Case("a stream with room", "MunshiStreamFull", False, "50m",
         {f"jetstream_stream_total_bytes{{{_STREAM}}}": "70x60",
          f"jetstream_stream_limit_bytes{{{_STREAM}}}": "100x60"}),
    Case("no pass ends", "MunshiOperatorNoProgress", True, "20m",
         _operator("progress_age_seconds", "0+60x60"), _PAGE),
    Case("a tenant waits for ever", "MunshiOperatorNoProgress", True, "40m",
         _operator("queue_oldest_seconds", "0+60x60"), _PAGE),
    Case("nobody leads", "MunshiOperatorNoProgress", True, "20m",
         _operator("queue_depth", "0x60", leader="0x60"), _PAGE),
    Case("no operator is there", "MunshiOperatorNoProgress", True, "20m", {"up": "1x60"}, _PAGE),
    Case("at rest", "MunshiOperatorNoProgress", False, "50m",
         _operator("progress_age_seconds", "0x60") | _operator("queue_oldest_seconds", "0x60")),
    Case("a replica that waits has old work", "MunshiOperatorNoProgress", False, "50m",
         _operator("queue_oldest_seconds", "5x60")
         | {'munshi_operator_queue_oldest_seconds{namespace="munshi",pod="munshi-operator-2"}': "0+60x60",
            'munshi_operator_leader{namespace="munshi",pod="munshi-operator-2"}': "0x60"}),
    Case("a watch hears nothing", "MunshiWatchSilent", True, "20m",
         _operator("watch_age_seconds", "0+60x60", labels='kind="Secret"'), 'kind="Secret"'),
    Case("a bookmark each minute", "MunshiWatchSilent", False, "20m",
         _operator("watch_age_seconds", "55x60", labels='kind="Secret"')),
    Case("tenants in trouble", "MunshiTenantsNotReady", True, "20m",
         _operator("tenants_not_ready_long", "2x60"), _TICKET),
    Case("all tenants ready", "MunshiTenantsNotReady", False, "20m",
         _operator("tenants_not_ready_long", "0x60")),
    Case("a deletion hangs", "MunshiFinalizerStuck", True, "20m",
         _operator("finalizers_stuck", "1x60"), _TICKET),
    Case("a deletion takes its time", "MunshiFinalizerStuck", False, "20m",
         _operator("finalizers_stuck", "0x5 1x4 0x51")),
)  # fmt: skip
