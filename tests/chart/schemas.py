"""Schemas for kubeconform: Kubernetes' own made usable offline, and those of custom resources."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from chart.programs import ROOT

_KINDS = (
    *("certificates", "clusters", "gateways", "httproutes"),
    *("podmonitors", "prometheusrules", "scaledobjects"),
)
"""Of other projects: those that the chart makes, by the names of their definitions' files."""
_ID = re.compile(r',\s*"\$id": "[^"]*"')


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # C where it is built
    """Knows `=`, which an enumeration of one definition holds."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def kubernetes_schemas(source: Path, target: Path) -> None:
    """Copies the schemas of each version; references point into the same folder, ids go."""
    for file in source.glob("v*/*.json"):
        text = file.read_text().replace('"/api/_definitions.json#/', '"_definitions.json#/')
        place = target / file.parent.name / file.name
        place.parent.mkdir(exist_ok=True)
        place.write_text(_ID.sub("", text))


def definitions_of_others(source: Path) -> list[Path]:
    """The files of the definitions of the other projects' kinds that the chart makes."""
    return [file for kind in _KINDS for file in source.glob(f"*_{kind}.yaml")]


def crd_schemas(source: Path, target: Path) -> None:
    """A strict schema for each kind and version of the definitions, and of our own."""
    for file in (*definitions_of_others(source), *(ROOT / "crds").glob("*.yaml")):
        for definition in yaml.load_all(file.read_text(), Loader):
            if definition and definition.get("kind") == "CustomResourceDefinition":
                _write(definition["spec"], target)


def _write(spec: dict[str, Any], target: Path) -> None:
    kind, group = spec["names"]["kind"].lower(), spec["group"]
    for version in spec["versions"]:
        schema = _strict(version["schema"]["openAPIV3Schema"])
        schema["properties"] |= {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
        }
        (target / f"{kind}_{group}_{version['name']}.json").write_text(json.dumps(schema))


def _strict(schema: Any) -> Any:
    """Refuses fields that are not named, as the API server prunes them without a word."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _strict(value) for key, value in schema.items()}
    named = isinstance(made.get("properties"), dict) and made.get("type") == "object"
    if named and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    if made.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return made
