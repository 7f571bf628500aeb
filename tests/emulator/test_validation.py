"""What Meta accepts and refuses, as a table. Pure: opens no socket. Limits are those of Meta's reference."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_emulator.errors import GraphError
from munshi_emulator.validation import check

Body = dict[str, Any]


def body(kind: str, value: Any, **more: Any) -> Body:
    return {"messaging_product": "whatsapp", "to": "+91 98123 45678", "type": kind, kind: value, **more}


def buttons(*titles: str, ids: list[str] | None = None, text: str = "Sure?") -> Body:
    replies = [
        {"type": "reply", "reply": {"id": (ids or list(titles))[index], "title": title}}
        for index, title in enumerate(titles)
    ]
    return body("interactive", {"type": "button", "body": {"text": text}, "action": {"buttons": replies}})


def rows(count: int, **row: Any) -> list[Body]:
    return [{"id": f"r{index}", "title": f"Row {index}", **row} for index in range(count)]


def menu(*sections: Body, button: str = "Choose", text: str = "Which?") -> Body:
    action = {"button": button, "sections": list(sections)}
    return body("interactive", {"type": "list", "body": {"text": text}, "action": action})


TEMPLATE = {"name": "due", "language": {"code": "en"}}

GOOD: list[tuple[str, Body]] = [
    ("text", body("text", {"body": "x" * 4096})),
    ("no type is text", {"messaging_product": "whatsapp", "to": "919812345678", "text": {"body": "hi"}}),
    (
        "recipient",
        {"messaging_product": "whatsapp", "recipient": "IN.12ab", "type": "text", "text": {"body": "hi"}},
    ),
    ("bsuid in to passes", {**body("text", {"body": "hi"}), "to": "IN.12ab"}),
    ("three buttons of twenty", buttons("a" * 20, "b" * 20, "c" * 20)),
    ("button id of 256", buttons("Yes", ids=["i" * 256])),
    ("body of 1024", buttons("Yes", text="t" * 1024)),
    ("ten rows", menu({"title": "All", "rows": rows(10)})),
    ("rows at their limits", menu({"rows": [{"id": "i" * 200, "title": "t" * 24, "description": "d" * 72}]})),
    (
        "ten sections",
        menu(*({"title": f"S{n}", "rows": [{"id": f"{n}", "title": f"{n}"}]} for n in range(10))),
    ),
    ("image by id", body("image", {"id": "123", "caption": "c" * 1024})),
    ("audio by link", body("audio", {"link": "https://example.org/a.ogg"})),
    ("sticker", body("sticker", {"id": "123"})),
    ("location", body("location", {"latitude": 19.07, "longitude": "72.87", "name": "Dadar"})),
    ("contacts", body("contacts", [{"name": {"formatted_name": "Asha"}, "phones": [{"phone": "+91"}]}])),
    ("template", body("template", {**TEMPLATE, "components": [{"type": "body", "parameters": []}]})),
    ("reaction taken back", body("reaction", {"message_id": "wamid.x", "emoji": ""})),
    ("reply", body("text", {"body": "hi"}, context={"message_id": "wamid.x"})),
    ("callback", body("text", {"body": "hi"}, biz_opaque_callback_data="42")),
    ("read", {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}),
    (
        "typing",
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "w",
            "typing_indicator": {"type": "text"},
        },
    ),
    (
        "link button",
        body(
            "interactive",
            {
                "type": "cta_url",
                "body": {"text": "Bill"},
                "action": {
                    "name": "cta_url",
                    "parameters": {"display_text": "Open", "url": "https://example.org"},
                },
            },
        ),
    ),
]

BAD: list[tuple[str, Body, int]] = [
    ("other product", {**body("text", {"body": "hi"}), "messaging_product": "sms"}, 100),
    ("nobody", {"messaging_product": "whatsapp", "type": "text", "text": {"body": "hi"}}, 131008),
    ("no digits", {**body("text", {"body": "hi"}), "to": "((((("}, 131009),
    ("too many digits", {**body("text", {"body": "hi"}), "to": "1" * 21}, 131009),
    ("other digits", {**body("text", {"body": "hi"}), "to": "९१९८१२३४५६७८"}, 131009),
    ("no number", {**body("text", {"body": "hi"}), "to": "Asha"}, 131009),
    (
        "recipient that is none",
        {"messaging_product": "whatsapp", "recipient": "Asha", "text": {"body": "hi"}},
        131009,
    ),
    ("a group", body("text", {"body": "hi"}, recipient_type="group"), 131009),
    ("unknown type", body("poll", {}), 131051),
    ("type is no text", {**body("text", {"body": "hi"}), "type": ["text"]}, 131051),
    ("content missing", {"messaging_product": "whatsapp", "to": "919812345678", "type": "image"}, 131008),
    ("content is a text", body("text", "hi"), 131009),
    ("text of 4097", body("text", {"body": "x" * 4097}), 131009),
    ("blank text", body("text", {"body": "  "}), 131008),
    ("text is a number", body("text", {"body": 5}), 131009),
    ("four buttons", buttons("a", "b", "c", "d"), 131009),
    ("no button", buttons(), 131009),
    ("title of 21", buttons("x" * 21), 131009),
    ("button id of 257", buttons("Yes", ids=["i" * 257]), 131009),
    ("same titles", buttons("Yes", "Yes", ids=["1", "2"]), 131009),
    ("same ids", buttons("Yes", "No", ids=["1", "1"]), 131009),
    ("body of 1025", buttons("Yes", text="t" * 1025), 131009),
    ("eleven rows", menu({"title": "All", "rows": rows(11)}), 131009),
    (
        "eleven rows in two sections",
        menu(
            {"title": "A", "rows": rows(6)},
            {"title": "B", "rows": [{"id": f"b{n}", "title": "t"} for n in range(5)]},
        ),
        131009,
    ),
    ("eleven sections", menu(*({"title": f"S{n}", "rows": rows(1)} for n in range(11))), 131009),
    ("two sections, one without a title", menu({"title": "A", "rows": rows(1)}, {"rows": rows(1)}), 131008),
    ("row title of 25", menu({"rows": [{"id": "1", "title": "t" * 25}]}), 131009),
    ("description of 73", menu({"rows": rows(1, description="d" * 73)}), 131009),
    ("row id of 201", menu({"rows": [{"id": "i" * 201, "title": "t"}]}), 131009),
    ("list button of 21", menu({"rows": rows(1)}, button="b" * 21), 131009),
    (
        "unknown interactive",
        body("interactive", {"type": "dance", "body": {"text": "x"}, "action": {}}),
        131009,
    ),
    ("image with id and link", body("image", {"id": "1", "link": "https://example.org/a.png"}), 131009),
    ("image with neither", body("image", {}), 131008),
    ("caption of 1025", body("image", {"id": "1", "caption": "c" * 1025}), 131009),
    ("audio with a caption", body("audio", {"id": "1", "caption": "c"}), 100),
    ("latitude of 91", body("location", {"latitude": 91, "longitude": 0}), 131009),
    ("no longitude", body("location", {"latitude": 1}), 131008),
    ("contact without a name", body("contacts", [{"phones": []}]), 131009),
    ("template without a language", body("template", {"name": "due"}), 131009),
    ("reaction without a message", body("reaction", {"emoji": "👍"}), 131008),
    ("empty context", body("text", {"body": "hi"}, context={}), 131008),
    ("callback of 513", body("text", {"body": "hi"}, biz_opaque_callback_data="c" * 513), 131009),
    ("unknown status", {"messaging_product": "whatsapp", "status": "seen", "message_id": "w"}, 131009),
    ("read of nothing", {"messaging_product": "whatsapp", "status": "read"}, 131008),
]


@pytest.mark.parametrize("case", [case for _, case in GOOD], ids=[name for name, _ in GOOD])
def test_accepted(case: Body) -> None:
    check(case)


@pytest.mark.parametrize(("case", "code"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_refused(case: Body, code: int) -> None:
    with pytest.raises(GraphError) as caught:
        check(case)
    assert caught.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


@given(data=st.data(), junk=JSON)
def test_anything_anywhere_is_accepted_or_refused_in_metas_way(data: st.DataObject, junk: Any) -> None:
    case = copy.deepcopy(data.draw(st.sampled_from([case for _, case in GOOD])))
    path = data.draw(st.sampled_from(places(case)[1:]))
    holder: Any = case
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = junk
    with contextlib.suppress(GraphError):
        check(case)
