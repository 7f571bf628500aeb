"""What helm tells after an install or an upgrade: of things that are there, in an order that works."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.cases import CASES
from chart.programs import CHART, run
from chart.rendering import NAMESPACE, render

AS_DATA = """
kind: ConfigMap
apiVersion: v1
metadata: {{name: notes}}
data: {{notes: {{{{ include "notes" . | quote }}}}}}
{{{{- define "notes" }}}}{notes}{{{{ end }}}}
"""
"""`helm template` shows objects alone: the notes as one of them."""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with its notes made an object."""
    copy = tmp_path_factory.mktemp("chart") / "munshi"
    shutil.copytree(CHART, copy)
    notes = (copy / "templates" / "NOTES.txt").read_text()
    (copy / "templates" / "notes.yaml").write_text(AS_DATA.format(notes=notes))
    return copy


def notes(chart: Path, values: dict[str, Any], *flags: str) -> str:
    """What is told."""
    where = ("--namespace", NAMESPACE, "--kube-version", "1.34.0", "--show-only", "templates/notes.yaml")
    done = run("helm", "template", "munshi", chart, *where, *flags, "--values", "-", input=json.dumps(values))
    assert done.returncode == 0, done.stderr
    told: str = yaml.safe_load(done.stdout)["data"]["notes"]
    return told


def steps(told: str) -> list[str]:
    """The steps, each in one piece."""
    return re.findall(r"^\d+\. (.*(?:\n   .*)*)", told, re.MULTILINE)


@pytest.mark.parametrize("flags", [(), ("--is-upgrade",)], ids=["install", "upgrade"])
@pytest.mark.parametrize("name", ["existing servers", "demo", "no pool", "an object store", "model servers"])
def test_what_is_waited_for_is_there(chart: Path, name: str, flags: tuple[str, ...]) -> None:
    told = notes(chart, CASES[name], *flags)
    there = {f"deployment/{one['metadata']['name']}" for one in render(CASES[name]).of("Deployment")}
    waited = set(re.findall(r"deployment/[a-z-]+", told))
    assert "deployment/munshi-operator" in waited
    assert waited <= there
    numbers = re.findall(r"^(\d+)\. ", told, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


def test_nats_must_trust_before_anything_is_waited_for(chart: Path) -> None:
    first, second, third = steps(notes(chart, CASES["existing servers"]))
    assert "munshi-nats" in first
    assert "rollout status deployment/munshi-operator" in second
    assert third.index("create namespace") < third.index("kubectl apply") < third.index("kubectl wait")
    assert "munshi-nats" not in notes(chart, CASES["existing servers"], "--is-upgrade")
    assert "munshi-nats" not in notes(chart, CASES["demo"])
