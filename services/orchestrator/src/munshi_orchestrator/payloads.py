"""Replies as the Cloud API takes them: bodies of `POST /messages` without the recipient, and read
receipts."""

from collections.abc import Mapping
from typing import Any

from munshi.contracts.assistant import Reply
from munshi.contracts.ids import MessageID, OutboxID

CALLBACK_PREFIX = "munshi:"
"""Marks our callback data, so that another program's sends on the same number are never taken for ours."""
_SPOKEN = "spoken"
"""Of a kept body, what its voice note says; Meta is not told."""


def body_of(reply: Reply) -> dict[str, Any]:
    """The body of one reply. A list wins over buttons; Meta takes one or the other."""
    body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if reply.quotes is not None:
        body["context"] = {"message_id": reply.quotes}
    if reply.rows:
        body |= {"type": "interactive", "interactive": _list(reply)}
    elif reply.buttons:
        body |= {"type": "interactive", "interactive": _buttons(reply)}
    elif reply.spoken is not None:
        # No body of Meta's: the sender puts `as_sound` or `as_text` of it in its place.
        voice = {"text": reply.text, "language": reply.spoken}
        body |= {"type": "voice", "voice": voice | ({"written": reply.written} if reply.written else {})}
    else:
        body |= {"type": "text", "text": {"body": reply.text, "preview_url": False}}
    return body


def as_sound(body: Mapping[str, Any], media_id: str) -> dict[str, Any]:
    """A body to be spoken as a voice note that was uploaded. What it says stays beside it, for the record."""
    kept = {name: value for name, value in body.items() if name != "voice"}
    sound = {"id": media_id, "voice": True}
    return kept | {"type": "audio", "audio": sound, _SPOKEN: body["voice"]["text"]}


def as_text(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body to be spoken as a text: its own, or the one for where it cannot be spoken."""
    kept = {name: value for name, value in body.items() if name != "voice"}
    text = body["voice"].get("written") or body["voice"]["text"]
    return kept | {"type": "text", "text": {"body": text, "preview_url": False}}


def _buttons(reply: Reply) -> dict[str, Any]:
    buttons = [{"type": "reply", "reply": {"id": each.id, "title": each.title}} for each in reply.buttons]
    return {"type": "button", "body": {"text": reply.text}, "action": {"buttons": buttons}}


def _list(reply: Reply) -> dict[str, Any]:
    rows = [
        {"id": row.id, "title": row.title} | ({"description": row.description} if row.description else {})
        for row in reply.rows
    ]
    action = {
        "button": reply.list_label or "…",
        "sections": [{"title": reply.list_label or "…", "rows": rows}],
    }
    return {"type": "list", "body": {"text": reply.text}, "action": action}


def addressed(
    body: Mapping[str, Any], outbox_id: OutboxID, *, phone: str | None, bsuid: str | None
) -> dict[str, Any]:
    """The whole request: body, recipient and callback data.

    A number goes into `to`, a BSUID into `recipient`: a BSUID in `to` is answered with 200 and dropped. Where
    both are known the number is taken; `to` would win anyhow.
    """
    recipient = {"to": phone} if phone else {"recipient": bsuid}
    whole = {**body, **recipient, "biz_opaque_callback_data": f"{CALLBACK_PREFIX}{outbox_id}"}
    whole.pop(_SPOKEN, None)
    return whole


def outbox_id_of(callback_data: str | None) -> OutboxID | None:
    """The row that a status speaks of, where the callback data is ours."""
    if not callback_data or not callback_data.startswith(CALLBACK_PREFIX):
        return None
    number = callback_data.removeprefix(CALLBACK_PREFIX)
    return OutboxID(int(number)) if number.isascii() and number.isdigit() else None


def typing(message_id: MessageID) -> dict[str, Any]:
    """Marks a message as read and shows typing dots until the reply comes (25 s at most)."""
    return {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message_id,
        "typing_indicator": {"type": "text"},
    }
