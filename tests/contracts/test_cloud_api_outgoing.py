"""What goes out is as Meta takes it, within its limits."""

import pytest
from pydantic import ValidationError

from munshi.contracts.assistant import Button, Reply, Row
from munshi.contracts.cloud_api import outgoing
from munshi.contracts.cloud_api.outgoing import Unsendable
from munshi.contracts.events import Person
from munshi.contracts.ids import MessageID, OutboxID

QUOTED = MessageID("wamid.IN1")


def test_text_that_quotes() -> None:
    assert outgoing.from_reply(Reply(text="₹500 likh diya", quotes=QUOTED)) == {
        "type": "text",
        "text": {"body": "₹500 likh diya", "preview_url": False},
        "context": {"message_id": "wamid.IN1"},
    }


def test_buttons() -> None:
    reply = Reply(text="₹60,000?", buttons=(Button(id="y", title="Haan"), Button(id="n", title="Nahi")))
    assert outgoing.from_reply(reply) == {
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "₹60,000?"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "y", "title": "Haan"}},
                    {"type": "reply", "reply": {"id": "n", "title": "Nahi"}},
                ]
            },
        },
    }


def test_list() -> None:
    rows = (Row(id="1", title="Ramesh", description="500"), Row(id="2", title="Suresh"))
    payload = outgoing.from_reply(Reply(text="Kaun?", list_label="Chuno", rows=rows))
    assert payload["interactive"] == {
        "type": "list",
        "body": {"text": "Kaun?"},
        "action": {
            "button": "Chuno",
            "sections": [
                {
                    "rows": [
                        {"id": "1", "title": "Ramesh", "description": "500"},
                        {"id": "2", "title": "Suresh"},
                    ]
                }
            ],
        },
    }


def test_template() -> None:
    assert outgoing.template("payment_reminder", "hi", ["Ramesh", "500"])["template"] == {
        "name": "payment_reminder",
        "language": {"code": "hi"},
        "components": [
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "Ramesh"}, {"type": "text", "text": "500"}],
            }
        ],
    }
    assert "components" not in outgoing.template("hello", "en")["template"]


def test_reaction_and_receipt() -> None:
    assert outgoing.reaction(QUOTED, "")["reaction"] == {"message_id": "wamid.IN1", "emoji": ""}
    assert outgoing.read_receipt(QUOTED) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.IN1",
    }
    assert outgoing.read_receipt(QUOTED, typing=True)["typing_indicator"] == {"type": "text"}


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (Person(phone="919820000001"), {"to": "919820000001"}),
        (Person(bsuid="IN.1"), {"recipient": "IN.1"}),
        (Person(bsuid="IN.1", phone="919820000001"), {"to": "919820000001"}),
    ],
)
def test_addressed(person: Person, expected: dict[str, str]) -> None:
    whole = outgoing.addressed(outgoing.text("ji"), person, OutboxID(4711))
    assert whole == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **expected,
        "biz_opaque_callback_data": "4711",
        "type": "text",
        "text": {"body": "ji", "preview_url": False},
    }


def test_nobody_is_not_written_to() -> None:
    with pytest.raises(Unsendable):
        outgoing.addressed(outgoing.text("ji"), Person())


@pytest.mark.parametrize("length", [0, 4097])
def test_text_out_of_limits(length: int) -> None:
    with pytest.raises(Unsendable, match="text"):
        outgoing.text("x" * length)


def test_longest_text() -> None:
    assert len(outgoing.text("x" * 4096)["text"]["body"]) == 4096


def test_limits_of_buttons_and_rows() -> None:
    button = Button(id="a", title="A")
    with pytest.raises(Unsendable, match="buttons"):
        outgoing.buttons("?", [Button(id=str(n), title=str(n)) for n in range(4)])
    with pytest.raises(Unsendable, match="differ"):
        outgoing.buttons("?", [button, button])
    with pytest.raises(Unsendable, match="body"):
        outgoing.buttons("x" * 1025, [button])
    with pytest.raises(Unsendable, match="rows"):
        outgoing.list_message("?", "Menu", [Row(id=str(n), title=str(n)) for n in range(11)])
    with pytest.raises(Unsendable, match="label"):
        outgoing.list_message("?", "x" * 21, [Row(id="1", title="1")])
    with pytest.raises(ValidationError):
        Button(id="a", title="x" * 21)


def test_too_long_for_buttons_goes_as_text() -> None:
    reply = Reply(text="x" * 1025, buttons=(Button(id="y", title="Haan"),))
    assert outgoing.from_reply(reply)["type"] == "text"
