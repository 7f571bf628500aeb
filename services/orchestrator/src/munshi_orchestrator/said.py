"""What a message of the Cloud API means to a turn: something said, a changed identity, or only to be kept.

A message with a file means something only together with what the media service read of it: `request_of` is
what is asked for, and the answer goes into `meaning_of`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from munshi.contracts.assistant import KeepAttachment, Said, SaidKind, Source
from munshi.contracts.cloud_api import messages as m
from munshi.contracts.ids import MessageID, PhoneNumberID, TenantKey
from munshi.contracts.media import MediaAnswer, ReadRequest


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


def meaning_of(
    message: m.Message, message_id: MessageID, at: datetime, answer: MediaAnswer | None = None
) -> Meaning:
    """Reads one message. `message_id` is the envelope's; `at` stands in where Meta gave no time; `answer` is
    what was read of its file."""
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
        **(_said(message) if answer is None else _said(message) | _read(answer)),
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


def is_file(message: m.Message) -> TypeGuard[m.Media]:
    """Whether a message has bytes to fetch."""
    return isinstance(message, m.Media) and message.media_id is not None


def request_of(
    message: m.Message, tenant: TenantKey, number: PhoneNumberID, message_id: MessageID
) -> ReadRequest:
    """What the media service is asked for, for a message that `is_file`."""
    if not isinstance(message, m.Media) or message.media_id is None:
        raise TypeError(f"a message of type {message.kind} has no file")
    return ReadRequest(
        tenant=tenant,
        phone_number_id=number,
        message_id=message_id,
        media_id=message.media_id,
        media_type=message.kind,
        mime_type=message.mime_type,
        sha256=message.sha256,
        filename=getattr(message, "filename", None),
        url=message.url,
        voice=bool(getattr(message, "voice", False)),
    )


def _read(answer: MediaAnswer) -> dict[str, Any]:
    """What the answer adds to a message with a file, or has another word for."""
    found: dict[str, Any] = {"file": answer.original, "refused": answer.refused}
    if answer.transcript is not None:
        heard = answer.transcript.text.strip()
        return found | {
            "kind": SaidKind.TEXT,
            "source": Source.VOICE,
            "text": heard,
            "transcript": answer.transcript,
        }
    if answer.document is not None:
        return found | {"kind": SaidKind.DOCUMENT, "source": Source.IMAGE, "document": answer.document}
    return found


def kept_of(said: Said) -> KeepAttachment | None:
    """The attachment of a message whose file is kept."""
    if said.file is None:
        return None
    reading = said.document or said.transcript
    return KeepAttachment(
        message_id=said.message_id,
        kind=said.media_type or "",
        object_key=said.file.key,
        sha256=said.file.sha256,
        mime_type=said.file.mime_type,
        size=said.file.size,
        text=reading.text if reading else None,
        reading=reading.model_dump(mode="json", exclude={"text"}) if reading else None,
    )


def _words(message: m.Message) -> str:
    match message:
        case m.Text():
            return message.body
        case m.Media():
            return message.caption
        case m.Order():
            return message.text
    return ""
