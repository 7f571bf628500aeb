"""What a message of the Cloud API means to a turn: something said, a changed identity, or only to be kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from munshi.contracts.assistant import Said, SaidKind
from munshi.contracts.cloud_api import messages as m
from munshi.contracts.ids import MessageID


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """The person goes on under another number or BSUID. Nobody said anything."""

    new_phone: str | None
    new_bsuid: str | None
    old_bsuid: str | None


@dataclass(frozen=True, slots=True)
class OnlyKept:
    """Kept in the record; no turn is made of it."""

    why: str
    """Meta's word for the type."""


Meaning = Said | IdentityChange | OnlyKept


def meaning_of(message: m.Message, message_id: MessageID, at: datetime) -> Meaning:
    """Reads one message. `message_id` is the envelope's; `at` stands in where Meta gave no time."""
    match message:
        case m.System(new_phone=None, new_user_id=None) | m.Reaction() | m.CallPermissionReply():
            return OnlyKept(message.kind)
        case m.System():
            return IdentityChange(message.new_phone, message.new_user_id, message.old_user_id)
        case _ if message.group_id is not None:
            return OnlyKept("group")
    return Said(
        message_id=message_id,
        at=message.at or at,
        quoted=message.context.message_id if message.context else None,
        **_said(message),
    )


def _said(message: m.Message) -> dict[str, Any]:
    match message:
        case m.Text():
            return {"kind": SaidKind.TEXT, "text": message.body}
        case m.ButtonReply():
            return {"kind": SaidKind.BUTTON, "text": message.title, "button_id": message.button_id}
        case m.ListReply():
            return {"kind": SaidKind.BUTTON, "text": message.title, "button_id": message.row_id}
        case m.TemplateButton():
            return {"kind": SaidKind.BUTTON, "text": message.text, "button_id": message.payload}
        case m.Edit():
            return {"kind": SaidKind.EDIT, "text": _words(message.message), "original": message.original}
        case m.Revoke():
            return {"kind": SaidKind.REVOKE, "original": message.original}
        case m.Unknown():
            return {"kind": SaidKind.UNREADABLE, "media_type": message.type or message.kind}
        case _:
            return {"kind": SaidKind.UNREADABLE, "text": _words(message), "media_type": message.kind}


def _words(message: m.Message) -> str:
    match message:
        case m.Text():
            return message.body
        case m.Media():
            return message.caption
        case m.Order():
            return message.text
    return ""
