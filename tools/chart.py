"""Writes what is made for the chart: its values' schema and reference page, and dashboards.

The comments of `helm/munshi/values.yaml` are the source. The comment above a key is its meaning; a line
`@schema {…}` (JSON) adds to its schema what the default does not tell. Unknown keys are refused, but in maps
whose keys are the user's own. `--check` fails on a difference.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dashboards import DASHBOARDS
from grafana import render

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm" / "munshi"
VALUES = CHART / "values.yaml"
_MARK = "@schema "

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_KINDS = {
    "boolean": "yes or no",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "array": "list",
    "object": "map",
}
_RESOURCES = {
    "type": "object",
    "properties": {
        name: {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
        for name in ("requests", "limits")
    },
    "additionalProperties": False,
}


@dataclass
class Value:
    """One key of the values."""

    path: tuple[str, ...]
    meaning: str
    default: Any
    schema: dict[str, Any]
    """What its comment adds."""
    inner: list["Value"] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether its keys are the user's own."""
        return not self.inner

    def walk(self) -> Iterator["Value"]:
        """This and everything below it."""
        yield self
        for value in self.inner:
            yield from value.walk()


def read_values(text: str) -> list[Value]:
    """All values with their comments.

    Raises:
        ValueError: a key has no comment.
    """
    root = yaml.compose(text)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError("the values are no map")
    return _read(root, yaml.safe_load(text), text.splitlines(), ())


def _read(
    node: yaml.MappingNode, data: dict[str, Any], lines: list[str], path: tuple[str, ...]
) -> list[Value]:
    found: dict[str, Value] = {}
    for key, value in node.value:
        if key.value == "<<":  # comments come along with what is merged in
            merged = _read(value, data, lines, path)
            found.update({one.path[-1]: one for one in merged})
            continue
        meaning, schema = _comment(lines, key.start_mark.line)
        before = found.get(key.value)
        if before is not None and not meaning:
            meaning, schema = before.meaning, before.schema
        if not meaning and key.value != "resources":
            raise ValueError(f"{'.'.join((*path, key.value))} has no comment")
        one = Value(
            (*path, key.value), meaning or "What a pod asks for and may take.", data[key.value], schema
        )
        if isinstance(value, yaml.MappingNode) and value.value and _fixed(key.value, schema):
            one.inner = _read(value, data[key.value], lines, one.path)
        found[key.value] = one
    return list(found.values())


def _fixed(key: str, schema: dict[str, Any]) -> bool:
    return key != "resources" and "additionalProperties" not in schema


def _comment(lines: list[str], at: int) -> tuple[str, dict[str, Any]]:
    """The comment that ends in the line before `at`, and what it adds to the schema."""
    above: list[str] = []
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
        above.append(lines[at].lstrip().removeprefix("#").strip())
    said, schema = [], {}
    for line in reversed(above):
        if line.startswith(_MARK):
            schema = json.loads(line.removeprefix(_MARK))
        else:
            said.append(line)
    return " ".join(said), schema


def schema_of(values: list[Value]) -> dict[str, Any]:
    """The JSON schema by which helm judges values."""
    return {
        "$schema": "https://json-schema.org/draft-07/schema#",
        "title": "Values of the chart munshi",
        "description": "Made by `make generate` from the comments of values.yaml; do not edit.",
        "type": "object",
        "properties": {value.path[0]: _schema(value) for value in values},
        "additionalProperties": False,
    }


def _schema(value: Value) -> dict[str, Any]:
    made: dict[str, Any] = {"description": value.meaning}
    if value.path[-1] == "resources":
        return made | _RESOURCES
    if value.default is not None:
        kind = _TYPES[type(value.default)]
        # helm's --set reads 99 as a whole number where 99.9 is meant to be possible
        made["type"] = "number" if "exclusiveMaximum" in value.schema else kind
    made |= value.schema
    if value.inner:
        made["properties"] = {one.path[-1]: _schema(one) for one in value.inner}
        made["additionalProperties"] = False
    return made


def page(values: list[Value]) -> str:
    """The reference page."""
    lines = [
        "# Values of the chart",
        "",
        "Made by `make generate` from the comments of `helm/munshi/values.yaml`; do not edit.",
        "",
        "Values that do not fit are refused by `values.schema.json`; those that do not go together, by the",
        "chart, before anything reaches the cluster.",
        "",
    ]
    for top in values:
        lines += [f"## {top.path[0]}", "", top.meaning, ""]
        rows = [one for value in top.inner for one in value.walk() if one.open]
        lines += ["| value | kind | default | meaning |", "|---|---|---|---|"]
        lines += [_row(one) for one in rows]
        lines.append("")
    return "\n".join(lines)


def _row(value: Value) -> str:
    default = "none" if value.default in ("", None) else f"`{json.dumps(value.default)}`"
    meaning = value.meaning.replace("|", "\\|")
    return f"| `{'.'.join(value.path)}` | {_kind(value)} | {default} | {meaning} |"


def _kind(value: Value) -> str:
    if "enum" in value.schema:
        return " or ".join(str(one) for one in value.schema["enum"])
    found = _schema(value).get("type", "string")
    return " or ".join(_KINDS.get(one, "nothing") for one in ([found] if isinstance(found, str) else found))


def made() -> dict[Path, str]:
    """Every file that is made, with its content."""
    values = read_values(VALUES.read_text())
    files = {
        CHART / "values.schema.json": json.dumps(schema_of(values), indent=2) + "\n",
        ROOT / "docs" / "reference" / "helm-values.md": page(values),
    }
    for dashboard in DASHBOARDS:
        files[CHART / "dashboards" / f"{dashboard.name}.json"] = render(dashboard)
    return files


def main() -> int:
    """Runs the command line; 0 done, 1 different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    options = parser.parse_args()
    different = []
    for path, text in made().items():
        if path.exists() and path.read_text() == text:
            continue
        different.append(str(path.relative_to(ROOT)))
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(path.relative_to(ROOT))
    if options.check and different:
        print(f"not up to date: {', '.join(different)}; run `make generate`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
