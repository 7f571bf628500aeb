"""What each of Meta's message types means to a turn."""

from datetime import UTC, datetime
from typing import Any

import pytest

from munshi.contracts.assistant import Said, SaidKind
from munshi.contracts.cloud_api import parse_message
from munshi.contracts.ids import MessageID
from munshi_orchestrator.said import IdentityChange, Meaning, OnlyKept, meaning_of

ID = MessageID("wamid.IN")
AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def read(kind: str, **fields: Any) -> Meaning:
    raw = {"id": ID, "from": "919800000001", "timestamp": str(int(AT.timestamp())), "type": kind, **fields}
    return meaning_of(parse_message(raw), ID, datetime(2000, 1, 1, tzinfo=UTC))


SAID: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("text", {"text": {"body": "namaste"}}, {"kind": SaidKind.TEXT, "text": "namaste"}),
    (
        "interactive",
        {"interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Haan"}}},
        {"kind": SaidKind.BUTTON, "text": "Haan", "button_id": "yes"},
    ),
    (
        "interactive",
        {"interactive": {"type": "list_reply", "list_reply": {"id": "r2", "title": "Suresh"}}},
        {"kind": SaidKind.BUTTON, "text": "Suresh", "button_id": "r2"},
    ),
    (
        "button",
        {"button": {"payload": "P1", "text": "Ok"}},
        {"kind": SaidKind.BUTTON, "text": "Ok", "button_id": "P1"},
    ),
    (
        "edit",
        {"edit": {"original_message_id": "wamid.A", "message": {"type": "text", "text": {"body": "600"}}}},
        {"kind": SaidKind.EDIT, "text": "600", "original": "wamid.A"},
    ),
    (
        "revoke",
        {"revoke": {"original_message_id": "wamid.A"}},
        {"kind": SaidKind.REVOKE, "original": "wamid.A"},
    ),
    (
        "image",
        {"image": {"id": "1", "caption": "bill"}},
        {"kind": SaidKind.UNREADABLE, "text": "bill", "media_type": "image"},
    ),
    ("audio", {"audio": {"id": "1", "voice": True}}, {"kind": SaidKind.UNREADABLE, "media_type": "audio"}),
    (
        "location",
        {"location": {"latitude": 1, "longitude": 2}},
        {"kind": SaidKind.UNREADABLE, "media_type": "location"},
    ),
    ("contacts", {"contacts": []}, {"kind": SaidKind.UNREADABLE, "media_type": "contacts"}),
    (
        "order",
        {"order": {"text": "2 bags", "product_items": []}},
        {"kind": SaidKind.UNREADABLE, "text": "2 bags", "media_type": "order"},
    ),
    (
        "unsupported",
        {"errors": [{"code": 131051}]},
        {"kind": SaidKind.UNREADABLE, "media_type": "unsupported"},
    ),
    ("hologram", {"hologram": {}}, {"kind": SaidKind.UNREADABLE, "media_type": "hologram"}),
]


@pytest.mark.parametrize(("kind", "fields", "expected"), SAID, ids=[row[0] for row in SAID])
def test_what_is_said(kind: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    said = read(kind, **fields)
    assert isinstance(said, Said)
    assert said.message_id == ID
    assert said.at == AT
    assert {name: getattr(said, name) for name in expected} == expected


def test_a_quoted_message_is_named() -> None:
    said = read("text", text={"body": "haan"}, context={"id": "wamid.OURS"})
    assert isinstance(said, Said)
    assert said.quoted == "wamid.OURS"


def test_a_message_without_time_takes_the_time_it_was_received() -> None:
    said = meaning_of(parse_message({"type": "text", "text": {"body": "x"}}), ID, AT)
    assert isinstance(said, Said)
    assert said.at == AT


def test_a_reaction_makes_no_turn() -> None:
    assert read("reaction", reaction={"message_id": "wamid.OURS", "emoji": "👍"}) == OnlyKept("reaction")


def test_a_group_message_makes_no_turn() -> None:
    assert read("text", text={"body": "x"}, group_id="g1") == OnlyKept("group")


def test_a_changed_number_changes_the_identity() -> None:
    system = {"type": "user_changed_number", "body": "…", "wa_id": "919800000002"}
    assert read("system", system=system) == IdentityChange("919800000002", None, None)


def test_other_system_messages_are_only_kept() -> None:
    assert read("system", system={"type": "customer_identity_changed", "body": "…"}) == OnlyKept("system")
