"""Message templates of a business account: enough of them to send one."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from munshi_emulator.errors import GraphError
from munshi_emulator.store import Statement, Store

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Template:
    """A template in one language. `body` may hold `{{1}}` or `{{name}}`."""

    name: str
    language: str
    category: str = "UTILITY"
    """MARKETING, UTILITY or AUTHENTICATION."""
    status: str = "APPROVED"
    """APPROVED, PENDING, REJECTED, PAUSED or DISABLED."""
    body: str = ""

    def parameters(self) -> int:
        """How many values the body needs."""
        return len(set(_PLACEHOLDER.findall(self.body)))

    def fill(self, values: list[dict[str, Any]]) -> str:
        """The text with its values, by position or by name."""
        given = {
            str(value.get("parameter_name", index)): str(value.get("text", ""))
            for index, value in enumerate(values, 1)
        }
        return _PLACEHOLDER.sub(lambda match: given.get(match[1], match[0]), self.body)


HELLO = Template(
    "hello_world", "en_US", "UTILITY", "APPROVED", "Welcome and congratulations!! This is a test message."
)
"""Every account has it."""


def put(waba: str, template: Template) -> Statement:
    """Statement that keeps a template."""
    return (
        "INSERT INTO templates VALUES (?, ?, ?, ?)"
        " ON CONFLICT (waba, name, language) DO UPDATE SET body = excluded.body",
        (waba, template.name, template.language, json.dumps(asdict(template))),
    )


def listed(store: Store, waba: str) -> list[Template]:
    """All templates of an account."""
    rows = store.rows("SELECT body FROM templates WHERE waba = ? ORDER BY name, language", (waba,))
    return [HELLO, *(Template(**json.loads(row["body"])) for row in rows)]


def wanted(store: Store, waba: str, message: dict[str, Any]) -> Template:
    """The template that a message of type `template` names, fit to be sent. Raises `GraphError`."""
    name, language = message["name"], message["language"]["code"]
    found = [entry for entry in listed(store, waba) if entry.name == name and entry.language == language]
    if not found or found[0].status in {"PENDING", "REJECTED"}:
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    template = found[0]
    if template.status == "PAUSED":
        raise GraphError(132015, f"template {name} is paused")
    if template.status == "DISABLED":
        raise GraphError(132016, f"template {name} is disabled")
    values = values_of(message)
    if len(values) != template.parameters():
        counted = f"({len(values)}) does not match the expected number of params ({template.parameters()})"
        raise GraphError(132000, f"body: number of localizable_params {counted}")
    text = template.fill(values)
    if len(text) > 1024:
        raise GraphError(132005, f"body: hydrated text is {len(text)} characters, at most 1024")
    return template


def values_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The values given for the body."""
    for component in message.get("components", []):
        if component.get("type", "").lower() == "body":
            values: list[dict[str, Any]] = component.get("parameters", [])
            return values
    return []
