"""Writes what is made from the code: reference pages and the definition of `WhatsAppTenant`. `--check` fails
on a difference."""

import argparse
import importlib
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import tenant_reference
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from munshi.contracts.crd import NAME

ROOT = Path(__file__).resolve().parent.parent

# (heading, module, class): every settings class of every program
SETTINGS = (
    ("All services", "munshi.settings", "ServiceSettings"),
    ("Ingress", "munshi_ingress.settings", "IngressSettings"),
    ("Orchestrator", "munshi_orchestrator.settings", "OrchestratorSettings"),
    ("Media", "munshi_media.settings", "MediaSettings"),
    ("Orchestrator and media: engines", "munshi.inference", "InferenceSettings"),
    ("Orchestrator: language models", "munshi.llm.settings", "LlmSettings"),
    ("Emulator", "munshi_emulator.settings", "Settings"),
    ("Operator", "munshi_operator.settings", "OperatorSettings"),
    ("Operator: what it makes outside the cluster", "munshi_operator.outside.settings", "OutsideSettings"),
    ("Operator: bootstrap", "munshi_operator.bootstrap", "BootstrapSettings"),
)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "made at start"
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None or field.default in ("", ()):
        return "none"
    value = field.default.value if isinstance(field.default, Enum) else field.default
    if isinstance(value, tuple):
        value = ", ".join(value)
    return f"`{value}`"


def _kind(annotation: Any) -> str:
    """How people call a type: `text`, `whole number`, `yes or no`, the choices of an enumeration."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(str(member.value) for member in annotation)
    if get_origin(annotation) is Literal:
        return " or ".join(str(value) for value in get_args(annotation))
    inner = [arg for arg in get_args(annotation) if arg not in (type(None), Ellipsis)]
    if get_origin(annotation) is tuple:
        return f"list of {_kind(inner[0])}"
    if inner:
        return _kind(inner[0])
    names = {str: "text", int: "whole number", float: "number", bool: "yes or no", Path: "path"}
    return names.get(annotation) or ("secret" if annotation is SecretStr else str(annotation))


def _all_services() -> type[BaseSettings]:
    cls: type[BaseSettings] = importlib.import_module("munshi.settings").ServiceSettings
    return cls


def configuration() -> str:
    """Every environment variable, from the settings classes."""
    lines = ["# Configuration", "", "Made by `make generate` from the settings classes; do not edit.", ""]
    shared = {f"MUNSHI_{key}".upper() for key in _all_services().model_fields}
    for heading, module, name in SETTINGS:
        cls: type[BaseSettings] = getattr(importlib.import_module(module), name)
        lines += [f"## {heading}", "", "| variable | kind | default | meaning |", "|---|---|---|---|"]
        for key, field in cls.model_fields.items():
            variable = f"{cls.model_config.get('env_prefix', '')}{key}".upper()
            if variable in shared and name != "ServiceSettings":
                continue
            meaning = _cell(field.description or "")
            lines.append(
                f"| `{variable}` | {_cell(_kind(field.annotation))} | {_default(field)} | {meaning} |"
            )
        lines.append("")
    return "\n".join(lines)


def commands() -> str:
    """Every command of `munshi` with its options."""
    from typer.main import get_command

    root: Any = get_command(importlib.import_module("munshi.cli.main").app)
    lines = ["# Commands", "", "Made by `make generate` from the program; do not edit.", ""]

    def describe(command: Any, path: str) -> None:
        if getattr(command, "commands", None):
            for name, child in sorted(command.commands.items()):
                describe(child, f"{path} {name}")
            return
        help_text = " ".join((command.help or "").split())
        lines.extend([f"## `{path}`", "", help_text, "", "| argument or option | meaning |", "|---|---|"])
        for parameter in command.params:
            names = ", ".join(parameter.opts + parameter.secondary_opts)
            lines.append(f"| `{names}` | {_cell(getattr(parameter, 'help', None) or '')} |")
        lines.append("")

    describe(root, "munshi")
    return "\n".join(lines)


def _ingress_registry() -> CollectorRegistry:
    from munshi.tenants import TenantDirectory
    from munshi_ingress.health import Pulse, make_registry
    from munshi_ingress.lines import Lines
    from munshi_ingress.metrics import Metrics
    from munshi_ingress.settings import IngressSettings
    from munshi_ingress.webhooks import Webhooks

    settings, directory, counts = IngressSettings(cells_dir=ROOT), TenantDirectory(), Metrics()
    lines = Lines(settings.cells_dir, directory, settings.ack_seconds, settings.max_waiting_events)
    webhooks = Webhooks(settings, directory, lines, counts)
    return make_registry(webhooks, lines, directory, counts, Pulse())


def _orchestrator_registry() -> CollectorRegistry:
    from munshi_orchestrator.main import Orchestrator
    from munshi_orchestrator.settings import OrchestratorSettings

    return Orchestrator(OrchestratorSettings(cells_dir=ROOT), {}).registry


def _media_registry() -> CollectorRegistry:
    from munshi.inference import InferenceSettings
    from munshi_media.main import Media
    from munshi_media.settings import MediaSettings

    return Media(MediaSettings(cells_dir=ROOT), InferenceSettings()).registry


def _emulator_registry() -> CollectorRegistry:
    from munshi_emulator.metrics import Metrics

    return Metrics().registry


def _operator_registry() -> CollectorRegistry:
    from munshi_operator.assembly import assemble
    from munshi_operator.metrics import make_registry
    from munshi_operator.settings import OperatorSettings

    nothing: Any = None  # it is counted, not run
    parts = assemble(OperatorSettings(), nothing, nothing, nothing, nothing, lambda: False)
    return make_registry(parts, lambda: False)


METRICS: dict[str, Callable[[], CollectorRegistry]] = {
    "Ingress": _ingress_registry,
    "Orchestrator": _orchestrator_registry,
    "Media": _media_registry,
    "Emulator": _emulator_registry,
    "Operator": _operator_registry,
}


def _families(registry: CollectorRegistry) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """By the name that is scraped: kind, labels, help. Families without a sample yet are known too."""
    found = {}
    # The library tells label names of families without samples by no public way.
    for collector in list(registry._collector_to_names):  # noqa: SLF001
        own = getattr(collector, "_labelnames", None)
        for family in collector.collect():
            labels = tuple(own if own is not None else getattr(family, "_labelnames", ()))
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, labels, family.documentation)
    return found


def metrics() -> str:
    """Every metric of every service, from the registries that they serve."""
    lines = ["# Metrics", "", "Made by `make generate` from the services' registries; do not edit.", ""]
    lines += [
        "Each service serves them at `/metrics`; units are seconds and bytes. A histogram `x` is scraped as",
        "`x_bucket`, `x_sum` and `x_count`. Python's and the process's own figures come beside these.",
        "",
    ]
    for heading, make in METRICS.items():
        lines += [f"## {heading}", "", "| metric | kind | labels | meaning |", "|---|---|---|---|"]
        for name, (kind, labels, text) in sorted(_families(make()).items()):
            if name.startswith("munshi_"):
                named = ", ".join(f"`{label}`" for label in labels) or "none"
                lines.append(f"| `{name}` | {kind} | {named} | {_cell(text)} |")
        lines.append("")
    return "\n".join(lines)


def plain_words() -> str:
    """The words that a masked text may keep, from the phrases of the training sentences."""
    made: str = importlib.import_module("munshi_inference.training.plain_words").page()
    return made


MADE: dict[str, Callable[[], str]] = {
    "docs/reference/configuration.md": configuration,
    "docs/reference/whatsapptenant.md": tenant_reference.page,
    "docs/reference/commands.md": commands,
    "docs/reference/metrics.md": metrics,
    "services/inference/src/munshi_inference/nlu/plain_words.txt": plain_words,
    f"crds/{NAME}.yaml": tenant_reference.definition,
    f"helm/munshi/crds-kept/{NAME}.yaml": tenant_reference.definition,
}
"""By path: what makes its content."""


def main() -> int:
    """Runs the command line; 0 done, 1 different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    options = parser.parse_args()
    different = []
    for name, make in MADE.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text() == text:
            continue
        different.append(name)
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(name)
    if options.check and different:
        print(f"not up to date: {', '.join(different)}; run `make generate`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
