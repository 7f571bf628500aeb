"""What the chart makes of values, by helm itself."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chart.programs import CHART, run
from munshi_operator.builders import Blueprint, parse_blueprint

Manifest = dict[str, Any]
NAMESPACE = "munshi"
_HAS = ("gateway.networking.k8s.io/v1", "monitoring.coreos.com/v1", "keda.sh/v1alpha1")

EXISTING: dict[str, Any] = {
    "database": {"existingSecret": {"name": "postgres-admin"}},
    "nats": {"url": "nats://nats.nats.svc:4222", "streamReplicas": 3},
    "webhooks": {"url": "https://hooks.example.org"},
}
"""Servers that are there already."""


@dataclass(frozen=True)
class Rendered:
    """Objects, in the order of installing."""

    objects: tuple[Manifest, ...]
    text: str

    def of(self, kind: str, name: str | None = None) -> list[Manifest]:
        """All of a kind; with a name, of that name."""
        return [
            one
            for one in self.objects
            if one["kind"] == kind and (name is None or one["metadata"]["name"] == name)
        ]

    def one(self, kind: str, name: str) -> Manifest:
        """The one object of this kind and name."""
        (found,) = self.of(kind, name)
        return found

    def pod_of(self, deployment: str) -> Manifest:
        """The spec of a Deployment's pods."""
        spec: Manifest = self.one("Deployment", deployment)["spec"]["template"]["spec"]
        return spec

    def settings_of(self, deployment: str) -> dict[str, str]:
        """The environment of a Deployment's one container; "" for what comes from elsewhere."""
        (container,) = self.pod_of(deployment)["containers"]
        return {one["name"]: one.get("value", "") for one in container["env"]}

    def blueprint(self) -> Blueprint:
        """What tenants' objects are made from, as the operator reads it."""
        return parse_blueprint(self.one("ConfigMap", "munshi-blueprint")["data"]["blueprint.yaml"])

    def pods(self) -> list[tuple[str, Manifest]]:
        """Every pod's spec, with `Kind/name` of what it comes from."""
        found = []
        for one in self.objects:
            spec = (
                one["spec"] if one["kind"] == "Pod" else one.get("spec", {}).get("template", {}).get("spec")
            )
            if spec is not None and "containers" in spec:
                found.append((f"{one['kind']}/{one['metadata']['name']}", spec))
        return found


def merged(*values: dict[str, Any]) -> dict[str, Any]:
    """Values over values, as helm lays `--values` files over each other."""
    result: dict[str, Any] = {}
    for one in values:
        for key, value in one.items():
            before = result.get(key)
            both = isinstance(before, dict) and isinstance(value, dict)
            result[key] = merged(before, value) if both else value  # type: ignore[arg-type] # both are maps
    return result


def template(values: dict[str, Any], *flags: str, has: tuple[str, ...] = _HAS) -> "tuple[int, str, str]":
    """Exit status, output and error of `helm template`."""
    apis = [part for api in has for part in ("--api-versions", api)]
    done = run(
        "helm",
        "template",
        "munshi",
        CHART,
        "--namespace",
        NAMESPACE,
        "--kube-version",
        "1.34.0",
        *apis,
        *flags,
        "--values",
        "-",
        input=json.dumps(values),
    )
    return done.returncode, done.stdout, done.stderr


def render(values: dict[str, Any], *flags: str, has: tuple[str, ...] = _HAS) -> Rendered:
    """What would be installed; fails where the chart refuses."""
    return _render(json.dumps(values, sort_keys=True), flags, has)


@functools.cache
def _render(values: str, flags: tuple[str, ...], has: tuple[str, ...]) -> Rendered:
    status, text, error = template(json.loads(values), *flags, has=has)
    assert status == 0, error
    objects = tuple(one for one in yaml.safe_load_all(text) if one)
    return Rendered(objects, text)


def refusal(values: dict[str, Any]) -> str:
    """What helm says to values that it refuses."""
    status, _, error = template(values)
    assert status != 0, "the chart takes these values"
    return error


def write(folder: Path, rendered: Rendered) -> Path:
    """The objects as a file."""
    path = folder / "objects.yaml"
    path.write_text(rendered.text)
    return path
