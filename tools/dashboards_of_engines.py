"""The Grafana dashboards of files and of what reads, understands and writes: a table of panels each. Pure.

Every expression is run by the chart's tests against the metrics of living programs; vLLM's names are those of
its own documentation.
"""

from grafana import Dashboard, Panel, quantiles, rate

_AGAIN = "meta_away|store_away|engine_away|credentials|busy|unknown_tenant|bad_request|disk|defect"
"""Outcomes of requests that are asked again; any other but `done` is a refusal, which was answered."""
_TRITON = '{SEL, pod=~"munshi-triton-.*"}'


def _triton_mean(part: str) -> str:
    """Mean seconds of a request in a part of Triton's work, by model."""
    spent = f"sum by (model) (rate(nv_inference_{part}_duration_us{_TRITON}[$__rate_interval]))"
    done = f"sum by (model) (rate(nv_inference_request_success{_TRITON}[$__rate_interval]))"
    return f"{spent} / ({done} > 0) / 1e6"


def _p95(metric: str, by: str) -> tuple[str, str]:
    found = f"sum by (le, {by}) (rate({metric}_bucket{{SEL}}[$__rate_interval]))"
    return f"histogram_quantile(0.95, {found})", f"{{{{{by}}}}}"


MEDIA = Dashboard(
    "media",
    "Munshi: media",
    (
        Panel(
            "Files fetched, by what became of them",
            "short",
            (rate("munshi_media_fetches_total", "outcome"),),
            "Downloads from Meta that ended. An address lives for five minutes.",
        ),
        Panel(
            "Bytes from Meta",
            "Bps",
            (rate("munshi_media_fetched_bytes_total"),),
            "Before pictures are made small and sounds plain.",
        ),
        Panel(
            "Time of a request, p95",
            "s",
            (_p95("munshi_media_request_seconds", "verb"),),
            "read: fetched, checked, kept and read; voice: spoken and uploaded to Meta; upload: uploaded.",
        ),
        Panel(
            "Waiting",
            "short",
            (
                ("sum(munshi_media_fetches_waiting{SEL})", "to be fetched"),
                ("sum(munshi_media_readings_waiting{SEL})", "to be read"),
                ("sum(munshi_media_working{SEL})", "requests at work"),
            ),
            "What stays up for minutes is more than the pods can do.",
        ),
        Panel(
            "Refused, and told to the person",
            "short",
            (
                (
                    "sum by (outcome) (rate(munshi_media_requests_total"
                    f'{{SEL, outcome!~"done|{_AGAIN}"}}[$__rate_interval]))',
                    "{{outcome}}",
                ),
            ),
            "Too large, of a kind that is not read, damaged, gone: the words of `outcome`.",
        ),
        Panel(
            "Failed, and asked again",
            "short",
            (
                (
                    "sum by (outcome) (rate(munshi_media_requests_total"
                    f'{{SEL, outcome=~"{_AGAIN}"}}[$__rate_interval]))',
                    "{{outcome}}",
                ),
            ),
            "store_away: the object store; meta_away: Meta; engine_away: what reads; credentials: a token.",
        ),
        Panel(
            "Object stores that answer",
            "short",
            (("min by (namespace, tenant, pod) (munshi_media_stores_up{SEL})", "{{namespace}} {{pod}}"),),
            "Cells of a pod; none is an alert.",
        ),
        Panel(
            "Uploads to Meta",
            "short",
            (rate("munshi_media_uploads_total", "outcome"),),
            "reused: Meta still has the file under an id of ours.",
        ),
        Panel(
            "Objects deleted",
            "short",
            (rate("munshi_media_deleted_objects_total", "why"),),
            "By a tenant's retention, or since a person asked.",
        ),
        Panel(
            "Conversations' wait for a file",
            "s",
            quantiles("munshi_file_wait_seconds"),
            "From the message until the orchestrator has what was read.",
        ),
    ),
    "munshi_media_working",
)

INFERENCE = Dashboard(
    "inference",
    "Munshi: inference",
    (
        Panel(
            "Understanding: time of a turn's computing",
            "s",
            tuple(
                (expression.replace("{SEL}", '{SEL, step="compute"}'), legend)
                for expression, legend in quantiles("munshi_turn_seconds")
            ),
            "The assistant with its understanding, in process or by Triton.",
        ),
        Panel(
            "Reading: time of an engine for one file, p95",
            "s",
            (_p95("munshi_media_read_seconds", "part"),),
            "documents: pictures and PDFs; speech: voice notes. In the media service, or by Triton.",
        ),
        Panel(
            "Files of messages, by what became of them",
            "short",
            (rate("munshi_files_read_total", "outcome"),),
            "read, heard: it is in the turn; refused_…: the person was told why; given_up: a dead letter.",
        ),
        Panel(
            "Replies to be spoken, by outcome",
            "short",
            (rate("munshi_replies_spoken_total", "outcome"),),
            "written: it could not be spoken and went out as text.",
        ),
        Panel(
            "Triton: requests",
            "reqps",
            (
                (
                    f"sum by (model) (rate(nv_inference_request_success{_TRITON}[$__rate_interval]))",
                    "{{model}}",
                ),
                (
                    f"sum by (model) (rate(nv_inference_request_failure{_TRITON}[$__rate_interval]))",
                    "{{model}} failed",
                ),
            ),
            "A failed one was answered by the engine in process, where there is one.",
        ),
        Panel(
            "Triton: wait in the queue, mean",
            "s",
            ((_triton_mean("queue"), "{{model}}"),),
            "What the autoscaler goes by.",
        ),
        Panel(
            "Triton: time in the model, mean",
            "s",
            ((_triton_mean("compute_infer"), "{{model}}"),),
            "Without the queue.",
        ),
        Panel(
            "Triton: requests in the queue",
            "short",
            ((f"sum by (model) (nv_inference_pending_request_count{_TRITON})", "{{model}}"),),
            "At this moment.",
        ),
        Panel(
            "vLLM: requests that wait, cache in use",
            "short",
            (
                ("sum by (pod) (vllm:num_requests_waiting{SEL})", "waiting {{pod}}"),
                ("max by (pod) (vllm:kv_cache_usage_perc{SEL})", "cache {{pod}}"),
            ),
            "A full cache (1) lets requests wait that the GPU would have time for.",
        ),
        Panel(
            "Language models: calls",
            "reqps",
            (rate("munshi_llm_calls_total", "model", "outcome"),),
            "failed: the next model was asked; invalid: asked again; over_budget: not asked at all.",
        ),
        Panel(
            "Language models: time of a call, p95",
            "s",
            (_p95("munshi_llm_seconds", "model"),),
            "One try of one model.",
        ),
        Panel(
            "Language models: tokens",
            "short",
            (rate("munshi_llm_tokens_total", "model", "kind"),),
            "Tokens a second.",
        ),
        Panel(
            "Language models: dollars a day",
            "currencyUSD",
            (
                (
                    "86400 * sum by (model) (rate(munshi_llm_dollars_total{SEL}[$__rate_interval]))",
                    "{{model}}",
                ),
            ),
            "By the prices in MUNSHI_LLM_MODELS.",
        ),
        Panel(
            "Budgets near their end",
            "percentunit",
            (
                (
                    "max by (namespace, tenant_key) (munshi_llm_budget_used_ratio{SEL})",
                    "{{tenant_key}}",
                ),
            ),
            "Tenants that have used four fifths of it or more; at 1 no model is asked for them.",
        ),
    ),
    "munshi_lanes",
)
