"""What `make generate` writes of `WhatsAppTenant`: its definition, and the page that explains it."""

from collections.abc import Iterator
from typing import Any

import yaml

from munshi.contracts.changes import ACCOUNT_FIXED, ASLEEP_WHILE_PAUSED, ASSISTANT_FIXED
from munshi.contracts.crd import CATEGORIES, COLUMNS, LIST_KEYS, SHORT_NAMES, crd, schema
from munshi.contracts.tenant import GROUP, KIND, NUMBERS_ONCE, REPLICAS_LEAST, SHAPES, VERSION
from munshi.contracts.tenant_status import CONDITIONS

_INTRODUCTION = f"""# {KIND}

Made by `make generate` from the contract; do not edit.

`{GROUP}/{VERSION}`, namespaced; short name `{", ".join(SHORT_NAMES)}`, category `{", ".join(CATEGORIES)}` \
(`kubectl get {SHORT_NAMES[0]}`, `kubectl get {CATEGORIES[0]}`). Subresources: `status` and `scale` (the
orchestrator pods of a dedicated tenant). The same document is what `munshi apply` takes on one machine; the
definition is [crds/](../../crds/). Examples are in [examples/](../../examples/).
"""
_CREDENTIALS = """## The Secret beside it

`spec.whatsapp.secretRef` names a Secret of the same namespace. A change of it is live within seconds.

| key | meaning |
|---|---|
| `app-secret` | The app's secret: webhooks are signed with it. |
| `access-token` | A system user's token: replies are sent with it. |
| `verify-token` | Text of your choice, entered beside the callback URL: Meta shows it once, to subscribe. |
| `app-secret-previous` | Optional: the app secret before this one; both hold during a rotation. |
"""


def definition() -> str:
    """The CustomResourceDefinition as YAML."""
    text: str = yaml.safe_dump(crd(), sort_keys=False, width=110, allow_unicode=True)
    return f"# Made by `make generate` from src/munshi/contracts; do not edit.\n{text}"


def page() -> str:
    """Every field, rule, condition and column."""
    whole = schema()["properties"]
    parts = [_INTRODUCTION]
    parts += [_table("spec", "field | kind | default | meaning", _rows(whole["spec"], "spec"))]
    parts += [_CREDENTIALS]
    parts += [_table("status", "field | kind | meaning", _status_rows(whole["status"], "status"))]
    parts += [_table("Conditions", "type | `True` says", _pairs(CONDITIONS.items()))]
    parts += [_rules_section()]
    columns = [f"`{name}`" + (" (`-o wide`)" if wide else "") for name, _, _, wide, _ in COLUMNS]
    meanings = [meaning for *_, meaning in COLUMNS]
    rows = [f"| {name} | {meaning} |" for name, meaning in zip(columns, meanings, strict=True)]
    parts += [_table("What kubectl prints", "column | meaning", rows)]
    return "\n".join(parts)


def _table(title: str, head: str, rows: list[str]) -> str:
    line = "|".join("---" for _ in head.split(" | "))
    return "\n".join([f"## {title}", "", f"| {head} |", f"|{line}|", *rows, ""])


def _pairs(items: Any) -> list[str]:
    return [f"| `{name}` | {meaning} |" for name, meaning in items]


def _rows(node: dict[str, Any], path: str) -> list[str]:
    rows = []
    for name, one, required in _fields(node):
        default = "required" if required else _default(one)
        meaning = _cell(one.get("description", ""))
        rows.append(f"| `{path}.{name}` | {_cell(_kind(one))} | {default} | {meaning} |")
        rows += _rows(one.get("items", one), f"{path}.{name}{'[]' if 'items' in one else ''}")
    return rows


def _status_rows(node: dict[str, Any], path: str) -> list[str]:
    rows = []
    for name, one, _ in _fields(node):
        rows.append(f"| `{path}.{name}` | {_cell(_kind(one))} | {_cell(one.get('description', ''))} |")
        rows += _status_rows(one.get("items", one), f"{path}.{name}{'[]' if 'items' in one else ''}")
    return rows


def _fields(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, one in node.get("properties", {}).items():
        yield name, one, name in node.get("required", ())


def _default(node: dict[str, Any]) -> str:
    if "default" not in node:
        return "none"
    value = node["default"]
    if value == {}:
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(value) if isinstance(value, list) else value}`"


def _kind(node: dict[str, Any]) -> str:
    """How people call a type, with its bounds."""
    if "enum" in node:
        return " or ".join(node["enum"])
    if node["type"] == "array":
        inner = "blocks" if node["items"]["type"] == "object" else _kind(node["items"])
        bounds = _bounds(node, "minItems", "maxItems")
        return f"list of {inner}{f' ({bounds})' if bounds else ''}"
    names = {"string": "text", "integer": "whole number", "boolean": "yes or no", "object": "block"}
    if node.get("format") == "date-time":
        return "time"
    shaped = node.get("pattern") in SHAPES
    bounds = _bounds(node, "minimum", "maximum") or (
        "" if shaped else _bounds(node, "minLength", "maxLength")
    )
    return names[node["type"]] + (f", {bounds}" if bounds else "")


def _bounds(node: dict[str, Any], low: str, high: str) -> str:
    unit = " characters" if high == "maxLength" else ""
    if low in node and high in node:
        return f"{node[low]:,} to {node[high]:,}{unit}"
    if high in node:
        return f"at most {node[high]:,}{unit}"
    return f"at least {node[low]:,}{unit}" if low in node else ""


def _rules_section() -> str:
    """What is refused, in the words in which it is."""
    whole = [
        "spec.<block> is given, but spec.assistant is <another one>; remove the block",
        NUMBERS_ONCE,
        f"spec.replicas: {REPLICAS_LEAST}",
        ASSISTANT_FIXED,
        ACCOUNT_FIXED,
        ASLEEP_WHILE_PAUSED,
    ]
    fields: dict[str, list[str]] = {}
    for path, pattern in _shaped(schema()["properties"]["spec"], "spec"):
        fields.setdefault(pattern, []).append(f"`{path}`")
    lines = ["## What is refused", "", "By `kubectl apply` and by `munshi apply` alike.", ""]
    lines += [f"- `{words}`" for words in whole]
    lines += ["", "| field | what it must be | pattern |", "|---|---|---|"]
    for pattern, paths in fields.items():
        lines.append(f"| {', '.join(paths)} | {SHAPES[pattern]} | `{_cell(pattern)}` |")
    keys = " and ".join(f"`{path}` (by `{key}`)" for path, key in LIST_KEYS.items())
    merged = f"Server-side apply merges the entries of {keys}; all other lists are one value."
    return "\n".join([*lines, "", merged, ""])


def _shaped(node: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, one, _ in _fields(node):
        inner = one.get("items", one)
        if inner.get("pattern") in SHAPES:
            yield f"{path}.{name}", inner["pattern"]
        yield from _shaped(inner, f"{path}.{name}")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
