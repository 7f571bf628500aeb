"""From a raw element of `value.messages` to a typed message. Never raises: what does not fit is `Unknown`."""

import json
from collections.abc import Callable
from typing import Any

from munshi.contracts.cloud_api import messages as m
from munshi.contracts.cloud_api.tolerant import Raw, flag, integer, moment, number, obj, objects, text, word
from munshi.contracts.ids import MessageID

_Common = dict[str, Any]
_Reader = Callable[[Raw, _Common], m.Message | None]


def parse_message(raw: Raw) -> m.Message:
    """Reads one element of `value.messages`. Anything unreadable comes back as `Unknown`, with `raw`."""
    return _parse(raw, nested=False)


def _parse(raw: Raw, *, nested: bool) -> m.Message:
    common = _common(raw)
    kind = text(raw.get("type"))
    reader = None if nested and kind == "edit" else _READERS.get(kind)
    message = reader(raw, common) if reader else None
    return message if message is not None else m.Unknown(type=kind, **common)


def _message_id(value: Any) -> MessageID | None:
    found = word(value)
    return MessageID(found) if found else None


def _common(raw: Raw) -> _Common:
    return {
        "id": _message_id(raw.get("id")),
        "sender": word(raw.get("from")),
        "sender_user_id": word(raw.get("from_user_id")),
        "group_id": word(raw.get("group_id")),
        "at": moment(raw.get("timestamp")),
        "context": _context(raw.get("context")),
        "referral": _referral(raw.get("referral")),
        "raw": raw,
    }


def _context(value: Any) -> m.Context | None:
    given = obj(value)
    if not given:
        return None
    product = given.get("referred_product")
    return m.Context(
        message_id=_message_id(given.get("id") or given.get("message_id")),
        sender=word(given.get("from")),
        sender_user_id=word(given.get("from_user_id")),
        forwarded=flag(given.get("forwarded")) or flag(given.get("frequently_forwarded")),
        frequently_forwarded=flag(given.get("frequently_forwarded")),
        product=product if isinstance(product, dict) else None,
    )


def _referral(value: Any) -> m.Referral | None:
    given = obj(value)
    if not given:
        return None
    return m.Referral(
        source_type=word(given.get("source_type")),
        source_id=word(given.get("source_id")),
        source_url=word(given.get("source_url")),
        headline=text(given.get("headline")),
        body=text(given.get("body")),
        click_id=word(given.get("ctwa_clid")),
        raw=given,
    )


def _text(raw: Raw, common: _Common) -> m.Message | None:
    body = obj(raw.get("text")).get("body")
    return m.Text(body=body, **common) if isinstance(body, str) else None


def _media(given: Raw) -> _Common:
    return {
        "media_id": word(given.get("id")),
        "mime_type": word(given.get("mime_type")),
        "sha256": word(given.get("sha256")),
        "url": word(given.get("url")),
        "caption": text(given.get("caption")),
    }


def _image(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("image"))
    return m.Image(**_media(given), **common) if given else None


def _audio(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("audio"))
    return m.Audio(voice=flag(given.get("voice")), **_media(given), **common) if given else None


def _video(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("video"))
    return m.Video(**_media(given), **common) if given else None


def _document(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("document"))
    return m.Document(filename=text(given.get("filename")), **_media(given), **common) if given else None


def _sticker(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("sticker"))
    return m.Sticker(animated=flag(given.get("animated")), **_media(given), **common) if given else None


def _location(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("location"))
    if not given:
        return None
    return m.Location(
        latitude=number(given.get("latitude")),
        longitude=number(given.get("longitude")),
        name=text(given.get("name")),
        address=text(given.get("address")),
        **common,
    )


def _contacts(raw: Raw, common: _Common) -> m.Message | None:
    given = raw.get("contacts")
    return m.Contacts(cards=tuple(objects(given)), **common) if isinstance(given, list) else None


def _interactive(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("interactive"))
    kind = text(given.get("type"))
    reply = obj(given.get(kind)) if kind else {}
    reader = _INTERACTIVE.get(kind)
    return reader(reply, common) if reader and reply else None


def _button_reply(reply: Raw, common: _Common) -> m.Message | None:
    return m.ButtonReply(button_id=text(reply.get("id")), title=text(reply.get("title")), **common)


def _list_reply(reply: Raw, common: _Common) -> m.Message | None:
    return m.ListReply(
        row_id=text(reply.get("id")),
        title=text(reply.get("title")),
        description=text(reply.get("description")),
        **common,
    )


def _flow_reply(reply: Raw, common: _Common) -> m.Message | None:
    try:
        response = obj(json.loads(text(reply.get("response_json"))))
    except (ValueError, RecursionError):
        response = {}
    return m.FlowReply(
        name=text(reply.get("name")), body=text(reply.get("body")), response=response, **common
    )


def _call_permission_reply(reply: Raw, common: _Common) -> m.Message | None:
    return m.CallPermissionReply(
        accepted=text(reply.get("response")) == "accept",
        permanent=flag(reply.get("is_permanent")),
        expires_at=moment(reply.get("expiration_timestamp")),
        source=text(reply.get("response_source")),
        **common,
    )


def _button(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("button"))
    if not given:
        return None
    return m.TemplateButton(payload=text(given.get("payload")), text=text(given.get("text")), **common)


def _reaction(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("reaction"))
    if not given:
        return None
    target = _message_id(given.get("message_id"))
    return m.Reaction(target=target, emoji=text(given.get("emoji")), **common)


def _order(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("order"))
    if not given:
        return None
    return m.Order(
        catalog_id=word(given.get("catalog_id")),
        text=text(given.get("text")),
        items=tuple(objects(given.get("product_items"))),
        **common,
    )


def _system(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("system"))
    if not given:
        return None
    return m.System(
        change=text(given.get("type")),
        body=text(given.get("body")),
        new_phone=word(given.get("wa_id")) or word(given.get("new_wa_id")),
        new_user_id=word(given.get("user_id")) or word(given.get("new_user_id")),
        old_user_id=word(given.get("previous_user_id")) or word(given.get("old_user_id")),
        **common,
    )


def _unsupported(raw: Raw, common: _Common) -> m.Message | None:
    errors = objects(raw.get("errors"))
    first = errors[0] if errors else {}
    return m.Unsupported(
        code=integer(first.get("code")),
        title=text(first.get("title")) or text(first.get("message")),
        details=text(obj(first.get("error_data")).get("details")),
        subtype=text(obj(raw.get("unsupported")).get("type")),
        **common,
    )


def _edit(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("edit"))
    changed = obj(given.get("message"))
    if not changed:
        return None
    # The new content comes without the envelope's fields: who and when are those of the edit.
    whole = {
        key: raw[key] for key in ("from", "from_user_id", "timestamp", "group_id") if key in raw
    } | changed
    original = _message_id(given.get("original_message_id"))
    return m.Edit(original=original, message=_parse(whole, nested=True), **common)


def _revoke(raw: Raw, common: _Common) -> m.Message | None:
    given = obj(raw.get("revoke"))
    return m.Revoke(original=_message_id(given.get("original_message_id")), **common) if given else None


_READERS: dict[str, _Reader] = {
    "text": _text,
    "image": _image,
    "audio": _audio,
    "voice": _audio,
    "video": _video,
    "document": _document,
    "sticker": _sticker,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "unsupported": _unsupported,
    "edit": _edit,
    "revoke": _revoke,
}

_INTERACTIVE: dict[str, _Reader] = {
    "button_reply": _button_reply,
    "list_reply": _list_reply,
    "nfm_reply": _flow_reply,
    "call_permission_reply": _call_permission_reply,
}
