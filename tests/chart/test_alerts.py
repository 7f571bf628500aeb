"""Every alert fires when it must, is silent when it must, and leads to a page that helps."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.alerts import CASES, Case
from chart.programs import ROOT, run
from chart.promql import MODELS
from chart.rendering import EXISTING, merged, render

RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ("## What it means", "## Look at", "## Do")


def spec(**rules: Any) -> dict[str, Any]:
    """The PrometheusRule's spec."""
    values = merged(EXISTING, MODELS, {"monitoring": {"rules": {"enabled": True, **rules}}})
    found: dict[str, Any] = render(values).one("PrometheusRule", "munshi")["spec"]
    return found


def alerts() -> list[dict[str, Any]]:
    """All rules that are alerts."""
    return [rule for group in spec()["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rules as promtool reads them."""
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(spec()))
    return path


def test_promtool_takes_the_rules(rules: Path) -> None:
    done = run("promtool", "check", "rules", rules)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.what}")
def test_alert(case: Case, rules: Path, tmp_path: Path) -> None:
    matchers = f'alertname="{case.alert}",alertstate="firing"' + (f",{case.labels}" if case.labels else "")
    story = {
        "rule_files": [str(rules)],
        "evaluation_interval": case.step,
        "tests": [
            {
                "interval": case.step,
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "promql_expr_test": [
                    {
                        "expr": f"sgn(count(ALERTS{{{matchers}}})) or vector(0)",
                        "eval_time": case.at,
                        "exp_samples": [{"labels": "{}", "value": int(case.fires)}],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "story.yaml"
    path.write_text(yaml.safe_dump(story))
    done = run("promtool", "test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested_both_ways() -> None:
    names = {rule["alert"] for rule in alerts()}
    assert len(names) == 22
    assert {case.alert for case in CASES if case.fires} == names
    assert {case.alert for case in CASES if not case.fires} == names


def test_each_alert_has_a_page_that_says_what_to_do() -> None:
    names = {rule["alert"] for rule in alerts()}
    assert {page.stem for page in RUNBOOKS.glob("Munshi*.md")} == names
    for name in names:
        text = (RUNBOOKS / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n")
        assert [section for section in SECTIONS if section not in text] == [], name
    index = (RUNBOOKS / "README.md").read_text()
    assert [name for name in sorted(names) if f"({name}.md)" not in index] == []


def test_each_alert_says_where_its_page_is() -> None:
    where = "https://wiki.example/munshi/"
    for group in spec(runbookBaseUrl=where)["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                assert rule["annotations"]["runbook_url"] == f"{where}{rule['alert']}.md"
                assert rule["labels"]["severity"] in {"page", "ticket"}
                assert rule["annotations"]["summary"]
                assert rule["annotations"]["description"]


def test_the_budget_follows_the_values() -> None:
    bars = [
        rule["expr"]
        for group in spec(availabilityPercent=99.5)["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "MunshiWebhooksRefused"
    ]
    assert [expression.split(" > ")[1].split()[0] for expression in bars] == ["0.072", "0.03", "0.005"]
