"""What a Grafana dashboard is to us: a table of panels, and its JSON. Pure."""

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


def quantiles(metric: str, *by: str) -> tuple[tuple[str, str], ...]:
    labels = ", ".join(("le", *by))
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return tuple(
        (
            f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{SEL}}[$__rate_interval])))",
            f"p{int(q * 100)} {legend}".strip(),
        )
        for q in (0.5, 0.95, 0.99)
    )


def rate(metric: str, *by: str) -> tuple[str, str]:
    legend = " ".join(f"{{{{{label}}}}}" for label in by) or "all"
    return f"sum by ({', '.join(by)}) (rate({metric}{{SEL}}[$__rate_interval]))", legend


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
