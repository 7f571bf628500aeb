"""Every type, field and absence of Meta's documents reads into its typed value; odd input never raises."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.contracts.cloud_api import (
    Message,
    Status,
    parse_change,
    parse_error,
    parse_message,
    parse_preference,
    parse_status,
)
from munshi.contracts.cloud_api.changes import Change

PAYLOADS = Path(__file__).parent / "payloads"


def cases(name: str) -> list[Any]:
    rows = json.loads((PAYLOADS / f"{name}.json").read_text())
    return [pytest.param(row, id=row["name"]) for row in rows]


def look(value: Any, path: str) -> Any:
    """`errors.0.code` of a value, as JSON would have it."""
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else _step(value, step)
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _step(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else getattr(value, name)


@pytest.mark.parametrize("case", cases("messages"))
def test_message(case: dict[str, Any]) -> None:
    message = parse_message(case["raw"])
    assert type(message).__name__ == case["class"]
    assert {path: look(message, path) for path in case["expect"]} == case["expect"]
    assert message.raw is case["raw"]


@pytest.mark.parametrize("case", cases("statuses"))
def test_status(case: dict[str, Any]) -> None:
    status = parse_status(case["raw"])
    assert {path: look(status, path) for path in case["expect"]} == case["expect"]
    assert status.raw is case["raw"]


@pytest.mark.parametrize("case", cases("changes"))
def test_change(case: dict[str, Any]) -> None:
    change = parse_change(case["raw"])
    assert type(change).__name__ == case["class"]
    assert {path: look(change, path) for path in case["expect"]} == case["expect"]
    assert change.raw is case["raw"]


@pytest.mark.parametrize(("value", "stopped"), [("stop", True), ("resume", False), ("", False)])
def test_preference(value: str, stopped: bool) -> None:
    raw = {
        "wa_id": "919820000001",
        "user_id": "IN.1",
        "detail": "User requested to stop marketing messages",
        "category": "marketing_messages",
        "value": value,
        "timestamp": "1767225600",
    }
    preference = parse_preference(raw)
    assert (preference.phone, preference.user_id, preference.category) == (
        "919820000001",
        "IN.1",
        "marketing_messages",
    )
    assert preference.stopped is stopped


def test_every_message_type_of_the_facts_has_a_case() -> None:
    told = {case["raw"].get("type") for case in json.loads((PAYLOADS / "messages.json").read_text())}
    assert told >= {
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "interactive",
        "button",
        "reaction",
        "order",
        "system",
        "unsupported",
        "edit",
        "revoke",
    }


TYPES = [
    "text",
    "image",
    "interactive",
    "reaction",
    "order",
    "system",
    "edit",
    "contacts",
    "button",
    "location",
]
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.just("stop")
)
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["id", "from", "from_user_id", "timestamp", "context", "referral", "errors", "status", "pricing", "value"]
)


@given(
    kind=st.sampled_from(TYPES),
    part=json_values,
    extra=st.dictionaries(keys | st.text(max_size=5), json_values, max_size=4),
)
def test_odd_messages_never_raise_and_keep_what_came(kind: str, part: Any, extra: dict[str, Any]) -> None:
    raw = {"type": kind, kind: part, **extra}
    message = parse_message(raw)
    assert isinstance(message, Message)
    assert message.raw is raw


@given(
    part=st.dictionaries(
        st.sampled_from(["type", "list_reply", "nfm_reply", "original_message_id", "message"]), json_values
    )
)
def test_odd_nested_parts_never_raise(part: dict[str, Any]) -> None:
    for kind in ("interactive", "edit", "revoke", "system"):
        assert isinstance(parse_message({"type": kind, kind: part}), Message)


@given(raw=st.dictionaries(keys, json_values))
def test_odd_statuses_errors_and_preferences_never_raise(raw: dict[str, Any]) -> None:
    assert isinstance(parse_status(raw), Status)
    assert parse_error(raw).raw is raw
    assert parse_preference(raw).raw is raw


@given(
    field=st.sampled_from(["calls", "account_update", "smb_message_echoes", "group_x", "x"]),
    value=json_values,
)
def test_odd_changes_never_raise(field: str, value: Any) -> None:
    raw = {"field": field, "value": value}
    change = parse_change(raw)
    assert isinstance(change, Change)
    assert change.raw is raw


def test_a_deep_edit_ends() -> None:
    raw: dict[str, Any] = {"type": "text", "text": {"body": "x"}}
    for _ in range(5_000):
        raw = {"type": "edit", "edit": {"message": raw}}
    assert parse_message(raw).kind == "edit"
