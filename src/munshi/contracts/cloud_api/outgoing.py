"""Payloads for `POST /{version}/{phone-number-id}/messages`, as Meta takes them.

A payload is made without its recipient (`from_reply` and the builders), kept in the outbox like that, and
addressed by `addressed` at the moment of sending. Limits of Meta's are checked here, so that no payload is
refused for its form.
"""

from collections.abc import Sequence
from typing import Any

from munshi.contracts.assistant import Button, Reply, Row
from munshi.contracts.events import Person
from munshi.contracts.ids import MessageID, OutboxID

Payload = dict[str, Any]

MAX_TEXT = 4096
MAX_INTERACTIVE_BODY = 1024
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_BUTTON_ID = 256
MAX_SECTIONS = 10
MAX_ROWS = 10
MAX_ROW_TITLE = 24
MAX_ROW_DESCRIPTION = 72
MAX_ROW_ID = 200
MAX_LIST_LABEL = 20
MAX_CALLBACK_DATA = 512


class Unsendable(ValueError):
    """A payload that Meta would refuse for its form: a defect of ours."""


def text(body: str, quotes: MessageID | None = None, *, preview_url: bool = False) -> Payload:
    """A text message.

    Raises:
        Unsendable: empty, or longer than 4,096 characters.
    """
    _within("text", body, MAX_TEXT)
    return _quoting({"type": "text", "text": {"body": body, "preview_url": preview_url}}, quotes)


def buttons(body: str, choices: Sequence[Button], quotes: MessageID | None = None) -> Payload:
    """Text with one to three reply buttons; the first one says yes.

    Raises:
        Unsendable: a limit is passed, or two buttons have the same id or title.
    """
    _within("interactive body", body, MAX_INTERACTIVE_BODY)
    _count("buttons", len(choices), MAX_BUTTONS)
    _distinct("button ids", [choice.id for choice in choices])
    _distinct("button titles", [choice.title for choice in choices])
    for choice in choices:
        _within("button title", choice.title, MAX_BUTTON_TITLE)
        _within("button id", choice.id, MAX_BUTTON_ID)
    replies = [{"type": "reply", "reply": {"id": c.id, "title": c.title}} for c in choices]
    return _interactive("button", body, {"buttons": replies}, quotes)


def list_message(
    body: str, label: str, rows: Sequence[Row], quotes: MessageID | None = None, *, section: str = ""
) -> Payload:
    """Text with a list of one to ten rows behind a button that reads `label`.

    Raises:
        Unsendable: a limit is passed, or two rows have the same id.
    """
    _within("interactive body", body, MAX_INTERACTIVE_BODY)
    _within("list label", label, MAX_LIST_LABEL)
    _count("rows", len(rows), MAX_ROWS)
    _distinct("row ids", [row.id for row in rows])
    for row in rows:
        _within("row title", row.title, MAX_ROW_TITLE)
        _within("row id", row.id, MAX_ROW_ID)
    shown = [
        {"id": row.id, "title": row.title} | ({"description": row.description} if row.description else {})
        for row in rows
    ]
    only: dict[str, Any] = {"rows": shown}
    if section:
        _within("section title", section, MAX_ROW_TITLE)
        only["title"] = section
    return _interactive("list", body, {"button": label, "sections": [only]}, quotes)


def template(
    name: str, language: str, parameters: Sequence[str] = (), components: Sequence[Payload] = ()
) -> Payload:
    """A template: the only message outside the 24-hour window.

    Args:
        name: the template's name.
        language: Meta's code, such as `hi` or `en_US`.
        parameters: texts of the body's placeholders, in order.
        components: further components (header, buttons) as Meta takes them.
    """
    parts = list(components)
    if parameters:
        parts.insert(
            0, {"type": "body", "parameters": [{"type": "text", "text": value} for value in parameters]}
        )
    described: dict[str, Any] = {"name": name, "language": {"code": language}}
    if parts:
        described["components"] = parts
    return {"type": "template", "template": described}


def reaction(message_id: MessageID, emoji: str) -> Payload:
    """A reaction to a message; an empty emoji takes it back."""
    return {"type": "reaction", "reaction": {"message_id": message_id, "emoji": emoji}}


def read_receipt(message_id: MessageID, *, typing: bool = False) -> Payload:
    """Marks a message as read, whole as it goes out; `typing` shows the dots until the reply or 25 s."""
    payload: Payload = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        payload["typing_indicator"] = {"type": "text"}
    return payload


def from_reply(reply: Reply) -> Payload:
    """The payload of an assistant's reply: buttons or a list where it has them, else text.

    A body too long for buttons (1,024) loses them and goes as text: what was asked can be answered in words.

    Raises:
        Unsendable: a limit is passed that no other form would keep.
    """
    if len(reply.text) <= MAX_INTERACTIVE_BODY:
        if reply.buttons:
            return buttons(reply.text, reply.buttons, reply.quotes)
        if reply.rows:
            return list_message(reply.text, reply.list_label or "Menu", reply.rows, reply.quotes)
    return text(reply.text, reply.quotes)


def addressed(payload: Payload, person: Person, outbox_id: OutboxID | None = None) -> Payload:
    """The payload as it goes out to `person`, with our own id as `biz_opaque_callback_data`.

    The number goes in `to`; a person who shows only a BSUID is reached by `recipient`. Never both, and never
    a BSUID in `to`: Meta answers 200 to that and drops it.

    Raises:
        Unsendable: the person has neither.
    """
    whole: Payload = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if person.phone:
        whole["to"] = person.phone
    elif person.bsuid:
        whole["recipient"] = person.bsuid
    else:
        raise Unsendable("a message to nobody: neither a number nor a BSUID is known")
    if outbox_id is not None:
        whole["biz_opaque_callback_data"] = str(outbox_id)
    return whole | payload


def _quoting(payload: Payload, quotes: MessageID | None) -> Payload:
    return payload | {"context": {"message_id": quotes}} if quotes else payload


def _interactive(kind: str, body: str, action: Payload, quotes: MessageID | None) -> Payload:
    interactive = {"type": kind, "body": {"text": body}, "action": action}
    return _quoting({"type": "interactive", "interactive": interactive}, quotes)


def _within(what: str, value: str, most: int) -> None:
    if not 1 <= len(value) <= most:
        raise Unsendable(f"{what}: {len(value)} characters, allowed are 1 to {most}")


def _count(what: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise Unsendable(f"{what}: {number}, allowed are 1 to {most}")


def _distinct(what: str, values: Sequence[str]) -> None:
    if len(set(values)) != len(values):
        raise Unsendable(f"{what} must differ from one another")
