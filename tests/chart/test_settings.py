"""What the chart puts into environments is what the programs take from them."""

from typing import Any

import pytest
from pydantic_settings import BaseSettings

from chart.cases import CASES
from chart.rendering import render
from munshi.inference import InferenceSettings
from munshi.llm.settings import LlmSettings
from munshi_ingress.settings import IngressSettings
from munshi_media.settings import MediaSettings
from munshi_operator.bootstrap import BootstrapSettings
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.settings import OperatorSettings
from munshi_orchestrator.settings import OrchestratorSettings

_PROGRAMS: dict[str, tuple[type[BaseSettings], ...]] = {
    "operator": (OperatorSettings, OutsideSettings, BootstrapSettings),
    "ingress": (IngressSettings,),
    "orchestrator": (OrchestratorSettings, InferenceSettings, LlmSettings),
    "media": (MediaSettings, InferenceSettings),
    "triton": (InferenceSettings,),
}

_REPLICAS = "MUNSHI_OPERATOR_NATS_REPLICAS"


def environments(case: str) -> list[tuple[str, dict[str, str]]]:
    """Container name and environment of every container of a program with settings."""
    return [
        (container["name"], {one["name"]: _value(one) for one in container.get("env", ())})
        for _, pod in render(CASES[case]).pods()
        for container in pod["containers"]
        if container["name"] in _PROGRAMS
    ]


def _value(one: dict[str, Any]) -> str:
    """What the cluster would put in; of a Secret, something that a URL may be."""
    return str(one.get("value", "postgresql://munshi_admin:x@db/munshi"))


@pytest.mark.parametrize("case", CASES)
def test_programs_take_their_environments(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, environment in environments(case):
        known = {
            f"{cls.model_config.get('env_prefix', '')}{field}".upper()
            for cls in _PROGRAMS[name]
            for field in cls.model_fields
        }
        assert environment.keys() <= known, f"{name} knows no {environment.keys() - known}"
        with monkeypatch.context() as patched:
            for variable, value in environment.items():
                patched.setenv(variable, value)
            for cls in _PROGRAMS[name]:
                cls()


def test_the_operator_takes_three_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    (environment,) = {
        env[_REPLICAS]
        for name, env in environments("existing servers")
        if name == "operator" and _REPLICAS in env
    }
    monkeypatch.setenv(_REPLICAS, environment)
    assert OutsideSettings().nats_replicas == 3
