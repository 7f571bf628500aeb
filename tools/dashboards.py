"""The Grafana dashboards of the message path and the operator: a table of panels a dashboard. Pure.

Every expression is run by the chart's tests against the metrics of living programs.
"""

from dashboards_of_engines import INFERENCE, MEDIA
from grafana import Dashboard, Panel, quantiles, rate

INGRESS = Dashboard(
    "ingress",
    "Munshi: ingress",
    (
        Panel(
            "Webhooks by answer",
            "reqps",
            (rate("munshi_ingress_requests_total", "outcome"),),
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
            quantiles("munshi_ingress_request_seconds"),
            "Meta asks for a median under 250 ms and 99 % under 1 s.",
        ),
        Panel(
            "Time until the bus kept it",
            "s",
            quantiles("munshi_ingress_publish_seconds"),
            "Most of an answer's time; grows with NATS's disk.",
        ),
        Panel(
            "Events kept",
            "short",
            (rate("munshi_ingress_events_total", "kind"),),
            "Messages, statuses and others.",
        ),
        Panel(
            "Wrong signatures",
            "reqps",
            (rate("munshi_ingress_signature_failures_total", "namespace", "tenant"),),
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
            quantiles("munshi_reply_age_seconds"),
            "From arrival at ingress until Meta accepted the reply.",
        ),
        Panel(
            "Turns by outcome", "short", (rate("munshi_turns_total", "outcome"),), "What became of messages."
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
        Panel("Tried again", "short", (rate("munshi_retries_total", "what", "reason"),), "By what and why."),
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
            (rate("munshi_sends_total", "class"),),
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
            (rate("munshi_statuses_total", "outcome"),),
            "What Meta said of sends, and what it changed.",
        ),
        Panel(
            "Account events",
            "short",
            (rate("munshi_account_events_total", "field"),),
            "What Meta says of numbers and accounts: quality, restrictions.",
        ),
        Panel(
            "Dead letters",
            "short",
            (
                rate("munshi_dead_letters_total", "source", "reason"),
                rate("munshi_ingress_dead_letters_total", "reason"),
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
            (rate("munshi_operator_reconciles_total", "outcome"),),
            "At rest: only the resync.",
        ),
        Panel(
            "Time of a pass",
            "s",
            quantiles("munshi_operator_reconcile_seconds"),
            "Includes NATS and the database.",
        ),
        Panel(
            "Writes to the API server",
            "reqps",
            (rate("munshi_operator_api_writes_total", "verb", "kind"),),
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
            (rate("munshi_operator_drift_repaired_total", "what"),),
            "What somebody else changed or took away, on the cluster and outside.",
        ),
    ),
    "munshi_operator_queue_depth",
)

DASHBOARDS = (INGRESS, TURNS, OUTBOX, MEDIA, INFERENCE, TENANTS, OPERATOR)
