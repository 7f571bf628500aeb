"""The Grafana dashboards: a table of panels a dashboard, and their JSON. Pure.

Every expression is run by the chart's tests against the metrics of living programs.
"""

import json
from dataclasses import dataclass
from typing import Any

_SELECTED = 'namespace=~"$namespace"'


@dataclass(frozen=True)
class Panel:
    """One graph, or one figure."""

    title: str
    unit: str
    """Of Grafana: `s`, `bytes`, `reqps`, `short`, `percentunit`."""
    lines: tuple[tuple[str, str], ...]
    """Expression and legend; `SEL` in an expression stands for what is selected on top."""
    about: str
    """What a reader learns from it."""
    figure: bool = False


@dataclass(frozen=True)
class Dashboard:
    """One page."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    source: str
    """A metric whose labels fill the selection on top."""


def _quantiles(metric: str, *by: str) -> tuple[tuple[str, str], ...]:
    labels = ", ".join(("le", *by))
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return tuple(
        (
            f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{SEL}}[$__rate_interval])))",
            f"p{int(q * 100)} {legend}".strip(),
        )
        for q in (0.5, 0.95, 0.99)
    )


def _rate(metric: str, *by: str) -> tuple[str, str]:
    legend = " ".join(f"{{{{{label}}}}}" for label in by) or "all"
    return f"sum by ({', '.join(by)}) (rate({metric}{{SEL}}[$__rate_interval]))", legend


INGRESS = Dashboard(
    "ingress",
    "Munshi: ingress",
    (
        Panel(
            "Webhooks by answer",
            "reqps",
            (_rate("munshi_ingress_requests_total", "outcome"),),
            "kept is a 200; busy, starting, bus_away, bus_full and failed are 503s: Meta comes again.",
        ),
        Panel(
            "Share refused by us",
            "percentunit",
            (
                (
                    "sum(rate(munshi_ingress_requests_total{SEL, "
                    'outcome=~"busy|starting|bus_away|bus_full|failed"}'
                    "[$__rate_interval])) / sum(rate(munshi_ingress_requests_total{SEL}[$__rate_interval]))",
                    "refused",
                ),
            ),
            "What the availability budget is spent on.",
        ),
        Panel(
            "Time to the answer",
            "s",
            _quantiles("munshi_ingress_request_seconds"),
            "Meta asks for a median under 250 ms and 99 % under 1 s.",
        ),
        Panel(
            "Time until the bus kept it",
            "s",
            _quantiles("munshi_ingress_publish_seconds"),
            "Most of an answer's time; grows with NATS's disk.",
        ),
        Panel(
            "Events kept",
            "short",
            (_rate("munshi_ingress_events_total", "kind"),),
            "Messages, statuses and others.",
        ),
        Panel(
            "Wrong signatures",
            "reqps",
            (_rate("munshi_ingress_signature_failures_total", "namespace", "tenant"),),
            "Somebody knocks, or a tenant's app secret is not the one Meta signs with.",
        ),
        Panel(
            "In work",
            "short",
            (
                ("sum(munshi_ingress_requests_in_flight{SEL})", "webhooks"),
                ("sum(munshi_ingress_waiting_events{SEL})", "events waiting for the bus"),
            ),
            "Near their limits, ingress answers busy.",
        ),
        Panel(
            "Cells connected and tenants known",
            "short",
            (
                ("min by (pod) (munshi_ingress_cells_connected{SEL})", "cells {{pod}}"),
                ("min by (pod) (munshi_ingress_tenants{SEL})", "tenants {{pod}}"),
            ),
            "A pod that knows less than its neighbours lost its registry.",
        ),
    ),
    "munshi_ingress_tenants",
)

TURNS = Dashboard(
    "turns",
    "Munshi: turns",
    (
        Panel(
            "From message to reply",
            "s",
            _quantiles("munshi_reply_age_seconds"),
            "From arrival at ingress until Meta accepted the reply.",
        ),
        Panel(
            "Turns by outcome", "short", (_rate("munshi_turns_total", "outcome"),), "What became of messages."
        ),
        Panel(
            "Parts of a turn, p95",
            "s",
            (
                (
                    "histogram_quantile(0.95, sum by (le, step) (rate(munshi_turn_seconds_bucket{SEL}"
                    "[$__rate_interval])))",
                    "{{step}}",
                ),
            ),
            "load and commit are the database, compute the assistant and its understanding.",
        ),
        Panel(
            "Oldest waiting message",
            "s",
            (("max by (namespace, tenant) (munshi_queue_age_seconds{SEL})", "{{namespace}} {{tenant}}"),),
            "Seconds. It grows when turns cannot keep up, or do not succeed.",
        ),
        Panel(
            "Events in memory, conversations in work",
            "short",
            (
                ("sum(munshi_queue_events{SEL})", "events"),
                ("sum(munshi_conversations_active{SEL})", "conversations"),
            ),
            "Events are bounded by MUNSHI_IN_FLIGHT a pod.",
        ),
        Panel(
            "Lanes by pod",
            "short",
            (("sum by (pod) (munshi_lanes{SEL})", "{{pod}}"),),
            "Together the cell's partitions; a gap means that some people wait.",
        ),
        Panel("Tried again", "short", (_rate("munshi_retries_total", "what", "reason"),), "By what and why."),
    ),
    "munshi_lanes",
)

OUTBOX = Dashboard(
    "outbox",
    "Munshi: outbox",
    (
        Panel(
            "Sends by answer",
            "short",
            (_rate("munshi_sends_total", "class"),),
            "Classes of Meta's answers; closed_… were not sent since the window or the person forbade it.",
        ),
        Panel(
            "Conversations with something to send",
            "short",
            (("sum by (namespace, tenant) (munshi_outbox_conversations{SEL})", "{{namespace}} {{tenant}}"),),
            "Stays up where a number is paused or Meta is away.",
        ),
        Panel(
            "Statuses",
            "short",
            (_rate("munshi_statuses_total", "outcome"),),
            "What Meta said of sends, and what it changed.",
        ),
        Panel(
            "Account events",
            "short",
            (_rate("munshi_account_events_total", "field"),),
            "What Meta says of numbers and accounts: quality, restrictions.",
        ),
        Panel(
            "Dead letters",
            "short",
            (
                _rate("munshi_dead_letters_total", "source", "reason"),
                _rate("munshi_ingress_dead_letters_total", "reason"),
            ),
            "What failed for good; a person looks at it.",
        ),
    ),
    "munshi_outbox_conversations",
)

TENANTS = Dashboard(
    "tenants",
    "Munshi: tenants",
    (
        Panel(
            "Tenants by readiness",
            "short",
            (("max by (ready) (munshi_operator_tenants)", "ready {{ready}}"),),
            "As the operator's conditions say.",
            figure=True,
        ),
        Panel(
            "Deletions that hang",
            "short",
            (("max(munshi_operator_finalizers_stuck)", "stuck"),),
            "Should be none.",
            figure=True,
        ),
        Panel(
            "Busiest tenants: turns",
            "short",
            (
                (
                    "topk(10, sum by (namespace, tenant) (rate(munshi_turns_total{SEL}[$__rate_interval])))",
                    "{{namespace}} {{tenant}}",
                ),
            ),
            "Dedicated tenants one by one, the pool as one.",
        ),
        Panel(
            "Slowest tenants: oldest waiting message",
            "s",
            (
                (
                    "topk(10, max by (namespace, tenant) (munshi_queue_age_seconds{SEL}))",
                    "{{namespace}} {{tenant}}",
                ),
            ),
            "Seconds.",
        ),
        Panel(
            "Refused webhooks",
            "reqps",
            (
                (
                    "topk(10, sum by (namespace, tenant) (rate(munshi_ingress_requests_total"
                    '{SEL, outcome!~"kept|handshake"}'
                    "[$__rate_interval])))",
                    "{{namespace}} {{tenant}}",
                ),
            ),
            "Anything but kept.",
        ),
    ),
    "munshi_lanes",
)

OPERATOR = Dashboard(
    "operator",
    "Munshi: operator",
    (
        Panel(
            "Tenants waiting for a pass",
            "short",
            (("max(munshi_operator_queue_depth)", "waiting"),),
            "Falls back to none.",
        ),
        Panel(
            "Longest wait for a pass",
            "s",
            (("max(munshi_operator_queue_oldest_seconds)", "oldest"),),
            "Seconds; a storm of changes may raise it, it must fall again.",
        ),
        Panel(
            "Passes by outcome",
            "short",
            (_rate("munshi_operator_reconciles_total", "outcome"),),
            "At rest: only the resync.",
        ),
        Panel(
            "Time of a pass",
            "s",
            _quantiles("munshi_operator_reconcile_seconds"),
            "Includes NATS and the database.",
        ),
        Panel(
            "Writes to the API server",
            "reqps",
            (_rate("munshi_operator_api_writes_total", "verb", "kind"),),
            "At rest: none but the Lease.",
        ),
        Panel(
            "Silence of the watches",
            "s",
            (("max by (pod, kind) (munshi_operator_watch_age_seconds)", "{{pod}} {{kind}}"),),
            "A server sends a bookmark a minute; beyond two the operator is blind.",
        ),
        Panel(
            "Who leads",
            "short",
            (("max by (pod) (munshi_operator_leader)", "{{pod}}"),),
            "One at a time; the others wait.",
        ),
        Panel(
            "Roll-out of a new version",
            "short",
            (
                ("max(munshi_operator_rollout_rolling)", "rolling"),
                ("max(munshi_operator_rollout_waiting)", "waiting"),
                ("max(munshi_operator_rollout_failed)", "failed"),
            ),
            "Tenants; one that failed stops it.",
        ),
        Panel(
            "Drift set right",
            "short",
            (_rate("munshi_operator_drift_repaired_total", "what"),),
            "What somebody else changed or took away, on the cluster and outside.",
        ),
    ),
    "munshi_operator_queue_depth",
)

DASHBOARDS = (INGRESS, TURNS, OUTBOX, TENANTS, OPERATOR)


def render(dashboard: Dashboard) -> str:
    """The JSON that Grafana reads."""
    data: dict[str, Any] = {
        "uid": f"munshi-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["munshi"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables(dashboard)},
        "panels": [_panel(number, panel) for number, panel in enumerate(dashboard.panels)],
    }
    return json.dumps(data, indent=2) + "\n"


def _variables(dashboard: Dashboard) -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "namespace",
            "label": "Namespace",
            "type": "query",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "query": {"query": f"label_values({dashboard.source}, namespace)", "refId": "namespace"},
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "refresh": 2,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number + 1,
        "type": "stat" if panel.figure else "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": source,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {} if panel.figure else {"tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": source,
                "expr": expression.replace("SEL", _SELECTED),
                "legendFormat": legend,
            }
            for index, (expression, legend) in enumerate(panel.lines)
        ],
    }
