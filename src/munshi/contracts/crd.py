"""The CustomResourceDefinition of `WhatsAppTenant`, made from the models.

What the models say is taken from them: fields, descriptions, defaults, bounds, patterns and the words for
text that does not fit. What they cannot say stands here: rules in CEL, kinds of lists, what kubectl prints.
The schema is structural, and everything in it is bounded, or the API server's estimate of a rule's cost would
refuse the whole definition.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from munshi.contracts.changes import ACCOUNT_FIXED, ASLEEP_WHILE_PAUSED, ASSISTANT_FIXED
from munshi.contracts.tenant import (
    GROUP,
    KIND,
    NUMBERS_ONCE,
    PLURAL,
    REPLICAS_LEAST,
    RESOURCE_NAME,
    SECRET_NAME,
    SHAPES,
    VERSION,
    AssistantKind,
    WhatsAppTenantSpec,
    other_block,
)
from munshi.contracts.tenant_status import WhatsAppTenantStatus

Schema = dict[str, Any]

NAME = f"{PLURAL}.{GROUP}"
SHORT_NAMES = ("wat",)
CATEGORIES = ("munshi",)

_RULES = "x-kubernetes-validations"
_LENGTHS: Mapping[str, int] = {SECRET_NAME: 512}
_LENGTH = 64
"""Bound of texts with a pattern. Far beyond what the pattern takes: text that is too long ends the API
server's checks at once, and people would not be told the pattern's words."""

LIST_KEYS: Mapping[str, str] = {
    "spec.whatsapp.phoneNumbers": "phoneNumberID",
    "status.conditions": "type",
}
"""Lists whose entries are told apart by a key, so that several managers may each own some; all others are
one value."""

COLUMNS: tuple[tuple[str, str, str, int, str], ...] = (
    ("Assistant", "string", ".spec.assistant", 0, "Which of the five answers."),
    (
        "Ready",
        "string",
        '.status.conditions[?(@.type=="Ready")].status',
        0,
        "Whether customers are answered.",
    ),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 0, "Why, in one word."),
    ("URL", "string", ".status.webhookURL", 0, "The app's callback URL."),
    ("Isolation", "string", ".spec.isolation", 1, "Pods of its own, or the pool's."),
    ("Phase", "string", ".status.phase", 1, "All of it in one word."),
    ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1, "Why, and what to do."),
    ("Age", "date", ".metadata.creationTimestamp", 0, "Since it was made."),
)
"""Name, type, path, priority (1: with `-o wide`) and meaning."""


def crd() -> dict[str, Any]:
    """The whole definition."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [_column(*column) for column in COLUMNS],
    }
    names = {
        "kind": KIND,
        "listKind": f"{KIND}List",
        "plural": PLURAL,
        "singular": KIND.lower(),
        "shortNames": list(SHORT_NAMES),
        "categories": list(CATEGORIES),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def schema() -> Schema:
    """The schema of one resource."""
    return {
        "type": "object",
        "description": "A business whose WhatsApp numbers Munshi answers.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _of_model(WhatsAppTenantSpec, "spec"),
            "status": _of_model(WhatsAppTenantStatus, "status"),
        },
        _RULES: rules()[""],
    }


def rules() -> dict[str, list[dict[str, str]]]:
    """The rules in CEL that no single text's pattern gives, by the path of what they look at."""
    return {
        "": [
            {
                "rule": f"self.metadata.name.matches(r'{RESOURCE_NAME}')",
                "message": f"metadata.name: {SHAPES[RESOURCE_NAME]}",
            }
        ],
        "spec": [
            *(_only_own_block(kind) for kind in AssistantKind),
            _rule("self.assistant == oldSelf.assistant", ASSISTANT_FIXED, ".assistant"),
            _rule(
                "!self.paused || !oldSelf.paused || self.hibernated == oldSelf.hibernated",
                ASLEEP_WHILE_PAUSED,
                ".hibernated",
            ),
        ],
        "spec.replicas": [{"rule": "self >= 1", "message": REPLICAS_LEAST}],
        "spec.whatsapp": [
            _rule("self.businessAccountID == oldSelf.businessAccountID", ACCOUNT_FIXED, ".businessAccountID"),
            _rule(
                "self.phoneNumbers.all(one, "
                "self.phoneNumbers.exists_one(other, other.phoneNumberID == one.phoneNumberID))",
                NUMBERS_ONCE,
                ".phoneNumbers",
            ),
        ],
    }


def _rule(rule: str, message: str, path: str) -> dict[str, str]:
    return {"rule": rule, "message": message, "fieldPath": path}


def _only_own_block(kind: AssistantKind) -> dict[str, str]:
    block = kind.value.lower()
    before, after = other_block(block, "\0").split("\0")
    return {
        "rule": f"!has(self.{block}) || self.assistant == '{kind.value}'",
        "message": other_block(block, "another one"),
        "messageExpression": f"'{before}' + self.assistant + '{after}'",
        "fieldPath": f".{block}",
    }


def _column(name: str, kind: str, path: str, priority: int, text: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority, "description": text}


def _of_model(model: type[BaseModel], path: str) -> Schema:
    whole = model.model_json_schema(by_alias=True, mode="validation")
    return _structural(whole, whole.get("$defs", {}), path)


def _structural(given: Schema, defs: Mapping[str, Schema], path: str) -> Schema:
    """One place of a JSON schema as the API server takes it: without references, titles and alternatives."""
    node = _resolved(given, defs)
    kept = (
        "description",
        "type",
        "enum",
        "format",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
    )
    made: Schema = {name: node[name] for name in kept if name in node}
    if "description" in made:
        made["description"] = " ".join(made["description"].split())
    # In the status every field is the operator's to write, and an empty list is none.
    nothing: tuple[Any, ...] = (None, "") if path.startswith("spec") else (None, "", [])
    if node.get("default") not in nothing:
        made["default"] = {} if isinstance(node["default"], dict) else node["default"]
    if node["type"] == "object":
        made["properties"] = {
            name: _structural(one, defs, f"{path}.{name}") for name, one in node.get("properties", {}).items()
        }
        if node.get("required"):
            made["required"] = list(node["required"])
    elif node["type"] == "array":
        made |= {name: node[name] for name in ("minItems", "maxItems") if name in node}
        made["items"] = _structural(node["items"], defs, f"{path}[]")
        made |= _list_type(path)
    own = [*_of_pattern(made), *rules().get(path, [])]
    return {**made, _RULES: own} if own else made


def _resolved(given: Schema, defs: Mapping[str, Schema]) -> Schema:
    """Follows a reference; takes the one alternative that is not null."""
    node = dict(given)
    if "anyOf" in node:
        (inner,) = (one for one in node.pop("anyOf") if one.get("type") != "null")
        node = {**inner, **node}
    if "$ref" in node:
        target = defs[node.pop("$ref").rsplit("/", 1)[-1]]
        node = {**_resolved(target, defs), **node}
    return node


def _of_pattern(made: Schema) -> list[dict[str, str]]:
    """Says a pattern in words, where there are some."""
    pattern = made.get("pattern")
    if pattern is None or pattern not in SHAPES:
        return []
    made.setdefault("maxLength", _LENGTHS.get(pattern, _LENGTH))
    return [{"rule": f"self.matches(r'{pattern}')", "message": SHAPES[pattern]}]


def _list_type(path: str) -> Schema:
    if path not in LIST_KEYS:
        return {"x-kubernetes-list-type": "atomic"}
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [LIST_KEYS[path]]}
