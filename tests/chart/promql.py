"""What an expression asks of metrics: names, labels, values. By its text; promtool judges the grammar."""

import json
import re
from collections.abc import Iterator
from typing import Any

from chart.programs import CHART
from chart.rendering import EXISTING, merged, render

MODELS = {
    "inference": {
        "triton": {"enabled": True},
        "vllm": {"enabled": True, "model": "/models/a", "modelsClaim": "weights"},
    }
}
"""Values that switch all model servers on, whose alerts come with them."""
_METRIC = re.compile(r"(?<![\w:])((?:munshi|jetstream|nv)_[a-z_]+|vllm:[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
TARGET_LABELS = {
    "namespace",
    "pod",
    "tenant",
    "server_name",
    "account",
    "account_name",
    "stream_name",
    "model",
}
"""Given by who scrapes (PodMonitors, the relabelling in the chart), by NATS's exporter or by Triton."""


def asked(expression: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Metric names with what their labels must be: label to wanted values, `[]` where it is any."""
    for name, inside in _METRIC.findall(expression):
        matchers: dict[str, list[str]] = {}
        for label, operator, value in _MATCHER.findall(inside):
            plain = operator in {"=", "=~"} and "*" not in value and "$" not in value
            matchers[label] = value.split("|") if plain else []
        yield name, matchers


def groupings(expression: str) -> set[str]:
    """Labels that an expression groups or joins by."""
    return {label.strip() for group in _GROUPING.findall(expression) for label in group.split(",")} - {""}


def rule_expressions() -> list[str]:
    """Of all rules."""
    values = merged(EXISTING, MODELS, {"monitoring": {"rules": {"enabled": True}}})
    groups = render(values).one("PrometheusRule", "munshi")["spec"]["groups"]
    return [str(rule["expr"]) for group in groups for rule in group["rules"]]


def dashboards() -> dict[str, dict[str, Any]]:
    """Grafana's pages by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((CHART / "dashboards").glob("*.json"))}


def dashboard_expressions() -> list[str]:
    """Of all panels, with Grafana's variables filled in."""
    return [
        target["expr"].replace("$__rate_interval", "5m").replace("$namespace", ".*")
        for page in dashboards().values()
        for panel in page["panels"]
        for target in panel["targets"]
    ]
