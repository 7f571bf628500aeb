"""Which calls of the Graph API fail, and how: rules given over the control API."""

import random
import secrets
from typing import Any

from munshi_emulator.errors import CLASSES, GraphError
from munshi_emulator.models import Fault
from munshi_emulator.store import Statement, Store


class Faults:
    """The rules in order. A rule with a count is gone when it has acted so often, also over a restart."""

    def __init__(self, store: Store) -> None:
        """Load the rules that the store has."""
        rows = store.rows("SELECT body FROM faults ORDER BY place")
        self.rules = [Fault.model_validate_json(row["body"]) for row in rows]
        self._place = int(store.value("SELECT coalesce(max(place), 0) FROM faults"))

    def add(self, rule: Fault) -> Statement:
        """Append a rule, or replace the one of the same id."""
        if rule.kind in {"error", "status"} and rule.code is None and rule.error_class not in CLASSES:
            msg = f"give `code`, or `error_class` of {', '.join(CLASSES)}"
            raise ValueError(msg)
        if not rule.id:
            rule = rule.model_copy(update={"id": secrets.token_hex(6)})
        for index, known in enumerate(self.rules):
            if known.id == rule.id:
                self.rules[index] = rule
                break
        else:
            self.rules.append(rule)
        self._place += 1
        return (
            "INSERT INTO faults VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (rule.id, self._place, rule.model_dump_json()),
        )

    def remove(self, rule_id: str | None) -> Statement:
        """Drop one rule, or all of them."""
        self.rules = [] if rule_id is None else [rule for rule in self.rules if rule.id != rule_id]
        if rule_id is None:
            return ("DELETE FROM faults", ())
        return ("DELETE FROM faults WHERE id = ?", (rule_id,))

    def pick(
        self, endpoint: str, number: str, body: dict[str, Any] | None
    ) -> tuple[Fault, Statement | None] | None:
        """The rule that acts on this call, if any, with what the store must write because its count went
        down."""
        for index, rule in enumerate(self.rules):
            if not _matches(rule, endpoint, number, body or {}):
                continue
            if rule.probability < 1 and random.random() >= rule.probability:
                continue
            if rule.count is None:
                return rule, None
            if rule.count == 1:
                return rule, self.remove(rule.id)
            left = rule.model_copy(update={"count": rule.count - 1})
            self.rules[index] = left
            return rule, ("UPDATE faults SET body = ? WHERE id = ?", (left.model_dump_json(), rule.id))
        return None


def _matches(rule: Fault, endpoint: str, number: str, body: dict[str, Any]) -> bool:
    wanted = {"any", endpoint, "media"} if endpoint.startswith("media") else {"any", endpoint}
    if rule.endpoint not in wanted:
        return False
    if rule.phone_number_id not in {None, number}:
        return False
    if rule.recipient is not None and rule.recipient not in (body.get("to"), body.get("recipient")):
        return False
    kind = "read" if body.get("status") == "read" else body.get("type", "text")
    return rule.type is None or rule.type == kind


def error_of(rule: Fault) -> GraphError:
    """The error that a rule of kind `error` or `status` stands for."""
    code = rule.code if rule.code is not None else CLASSES[rule.error_class or "transient"][0]
    return GraphError(code, rule.details, subcode=463 if code == 190 else None)
