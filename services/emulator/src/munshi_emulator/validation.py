"""What Meta accepts in a body of the messages endpoint: pure rules, written from Meta's reference.

Deliberately shares nothing with the models of the program under test.
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn

from munshi_emulator.errors import GraphError

Body = dict[str, Any]

TEXT_MAX = 4096
CAPTION_MAX = 1024
INTERACTIVE_BODY_MAX = 1024
INTERACTIVE_HEADER_MAX = 60
INTERACTIVE_FOOTER_MAX = 60
BUTTONS_MAX = 3
BUTTON_TITLE_MAX = 20
BUTTON_ID_MAX = 256
LIST_SECTIONS_MAX = 10
LIST_ROWS_MAX = 10
LIST_BUTTON_MAX = 20
ROW_TITLE_MAX = 24
ROW_DESCRIPTION_MAX = 72
ROW_ID_MAX = 200
CALLBACK_DATA_MAX = 512

_PHONE = re.compile(r"^\+?[\s().-]*(?:\d[\s().-]*){5,20}$", re.ASCII)


def check(body: Body) -> None:
    """Raise `GraphError` if Meta would refuse this body. `to` that is a BSUID passes: Meta swallows it
    later."""
    if body.get("messaging_product") != "whatsapp":
        _refuse(100, "messaging_product must be 'whatsapp'")
    if "status" in body:
        _check_read(body)
        return
    _check_recipient(body)
    callback = body.get("biz_opaque_callback_data")
    if callback is not None and (not isinstance(callback, str) or len(callback) > CALLBACK_DATA_MAX):
        _refuse(131009, f"biz_opaque_callback_data must be a text of at most {CALLBACK_DATA_MAX} characters")
    context = body.get("context")
    if context is not None:
        _text(_object(context, "context"), "message_id", "context.message_id")
    kind = body.get("type", "text")
    checker = CHECKERS.get(kind) if isinstance(kind, str) else None
    if checker is None:
        _refuse(131051, f"type {kind!r} is not supported")
    if kind not in body:
        _refuse(131008, f"The parameter {kind} is required")
    checker(body[kind])


def _refuse(code: int, details: str) -> NoReturn:
    raise GraphError(code, details)


def _object(value: Any, name: str) -> Body:
    """A JSON object, or a refusal."""
    if not isinstance(value, dict):
        _refuse(131009, f"{name} must be an object")
    return value


def _list(value: Any, name: str, most: int, least: int = 1) -> list[Any]:
    """A JSON array within its length, or a refusal."""
    if not isinstance(value, list):
        _refuse(131008 if value is None else 131009, f"{name} must be an array")
    if not least <= len(value) <= most:
        _refuse(131009, f"{name} must have {least} to {most} elements, has {len(value)}")
    return value


def _text(holder: Body, key: str, name: str, most: int | None = None) -> str:
    """A text that is there, not blank and not too long, or a refusal."""
    value = holder.get(key)
    if value is None:
        _refuse(131008, f"The parameter {name} is required")
    if not isinstance(value, str):
        _refuse(131009, f"{name} must be a text")
    if not value.strip():
        _refuse(131008, f"The parameter {name} is required and must not be empty")
    if most is not None and len(value) > most:
        _refuse(131009, f"{name} is too long: {len(value)} characters, at most {most}")
    return value


def _optional(holder: Body, key: str, name: str, most: int) -> None:
    """A text that may be absent."""
    if holder.get(key) is not None:
        _text(holder, key, name, most)


def _check_read(body: Body) -> None:
    if body["status"] != "read":
        _refuse(131009, "status must be 'read'")
    _text(body, "message_id", "message_id")
    typing = body.get("typing_indicator")
    if typing is not None and _object(typing, "typing_indicator").get("type") != "text":
        _refuse(131009, "typing_indicator.type must be 'text'")


def _check_recipient(body: Body) -> None:
    if body.get("recipient_type", "individual") != "individual":
        _refuse(131009, "recipient_type must be 'individual'")
    to, recipient = body.get("to"), body.get("recipient")
    if not to and not recipient:
        _refuse(131008, "The parameter to (or recipient) is required")
    if to and (not isinstance(to, str) or not (_PHONE.match(to) or re.match(r"^[A-Z]{2}\.", to))):
        _refuse(131009, "to is not a phone number")
    if not to and (
        not isinstance(recipient, str) or not re.match(r"^[A-Z]{2}\.[A-Za-z0-9]{1,128}$", recipient)
    ):
        _refuse(131009, "recipient is not a business-scoped user id")


def _check_text(value: Any) -> None:
    text = _object(value, "text")
    _text(text, "body", "text.body", TEXT_MAX)
    if not isinstance(text.get("preview_url", False), bool):
        _refuse(131009, "text.preview_url must be true or false")


def _media(name: str, *, caption: bool) -> Callable[[Any], None]:
    """The check of one kind of media: by `id` or by `link`, never both."""

    def check_media(value: Any) -> None:
        media = _object(value, name)
        has_id, has_link = bool(media.get("id")), bool(media.get("link"))
        if has_id == has_link:
            _refuse(131008 if not has_id else 131009, f"{name} needs either id or link")
        if has_link and not re.match(r"^https?://", str(media["link"])):
            _refuse(131009, f"{name}.link must be a URL")
        if media.get("caption") is not None:
            if not caption:
                _refuse(100, f"{name} takes no caption")
            _text(media, "caption", f"{name}.caption", CAPTION_MAX)

    return check_media


def _check_reaction(value: Any) -> None:
    reaction = _object(value, "reaction")
    _text(reaction, "message_id", "reaction.message_id")
    if not isinstance(reaction.get("emoji", ""), str) or len(reaction.get("emoji", "")) > 16:
        _refuse(131009, "reaction.emoji must be one emoji, or empty")


def _check_location(value: Any) -> None:
    location = _object(value, "location")
    for key, bound in (("latitude", 90), ("longitude", 180)):
        try:
            degrees = float(location[key])
        except KeyError:
            _refuse(131008, f"The parameter location.{key} is required")
        except (TypeError, ValueError):
            _refuse(131009, f"location.{key} must be a number")
        if not -bound <= degrees <= bound:
            _refuse(131009, f"location.{key} is out of range")


def _check_contacts(value: Any) -> None:
    for index, entry in enumerate(_list(value, "contacts", 257)):
        name = _object(_object(entry, f"contacts[{index}]").get("name"), f"contacts[{index}].name")
        _text(name, "formatted_name", f"contacts[{index}].name.formatted_name")


def _check_template(value: Any) -> None:
    template = _object(value, "template")
    _text(template, "name", "template.name", 512)
    _text(_object(template.get("language"), "template.language"), "code", "template.language.code")
    for component in _list(template.get("components", []), "template.components", 20, 0):
        _text(_object(component, "template.components"), "type", "template.components.type")
        for parameter in _list(component.get("parameters", []), "template.components.parameters", 100, 0):
            kind = _text(_object(parameter, "parameter"), "type", "parameter.type")
            if kind == "text" and not isinstance(parameter.get("text"), str):
                _refuse(132012, "parameter.text must be a text")


def _check_interactive(value: Any) -> None:
    interactive = _object(value, "interactive")
    kind = _text(interactive, "type", "interactive.type")
    checker = INTERACTIVE.get(kind)
    if checker is None:
        _refuse(131009, f"interactive.type {kind!r} is not known")
    if kind != "product":
        _text(
            _object(interactive.get("body"), "interactive.body"),
            "text",
            "interactive.body.text",
            _body_max(kind),
        )
    if interactive.get("header") is not None:
        _check_header(_object(interactive["header"], "interactive.header"), kind)
    if interactive.get("footer") is not None:
        footer = _object(interactive["footer"], "interactive.footer")
        _text(footer, "text", "interactive.footer.text", INTERACTIVE_FOOTER_MAX)
    checker(_object(interactive.get("action"), "interactive.action"))


def _body_max(kind: str) -> int:
    return 4096 if kind == "list" else INTERACTIVE_BODY_MAX


def _check_header(header: Body, kind: str) -> None:
    form = _text(header, "type", "interactive.header.type")
    if form == "text":
        _text(header, "text", "interactive.header.text", INTERACTIVE_HEADER_MAX)
    elif kind == "list" or form not in {"image", "video", "document"}:
        _refuse(131009, f"interactive.header.type {form!r} is not allowed here")
    else:
        _media(form, caption=False)(header.get(form))


def _check_buttons(action: Body) -> None:
    ids: set[str] = set()
    titles: set[str] = set()
    for button in _list(action.get("buttons"), "action.buttons", BUTTONS_MAX):
        if _object(button, "action.buttons").get("type") != "reply":
            _refuse(131009, "button.type must be 'reply'")
        reply = _object(button.get("reply"), "button.reply")
        ids.add(_text(reply, "id", "button.reply.id", BUTTON_ID_MAX))
        titles.add(_text(reply, "title", "button.reply.title", BUTTON_TITLE_MAX))
    if len(ids) < len(action["buttons"]) or len(titles) < len(action["buttons"]):
        _refuse(131009, "buttons must have different ids and titles")


def _check_list(action: Body) -> None:
    _text(action, "button", "action.button", LIST_BUTTON_MAX)
    sections = _list(action.get("sections"), "action.sections", LIST_SECTIONS_MAX)
    ids: list[str] = []
    for section in sections:
        if len(sections) > 1 or _object(section, "action.sections").get("title") is not None:
            _text(_object(section, "action.sections"), "title", "section.title", ROW_TITLE_MAX)
        for row in _list(section.get("rows"), "section.rows", LIST_ROWS_MAX):
            ids.append(_text(_object(row, "section.rows"), "id", "row.id", ROW_ID_MAX))
            _text(row, "title", "row.title", ROW_TITLE_MAX)
            _optional(row, "description", "row.description", ROW_DESCRIPTION_MAX)
    if len(ids) > LIST_ROWS_MAX:
        _refuse(131009, f"a list has at most {LIST_ROWS_MAX} rows in all, this one {len(ids)}")
    if len(set(ids)) < len(ids):
        _refuse(131009, "rows must have different ids")


def _check_cta_url(action: Body) -> None:
    if action.get("name") != "cta_url":
        _refuse(131009, "action.name must be 'cta_url'")
    parameters = _object(action.get("parameters"), "action.parameters")
    _text(parameters, "display_text", "action.parameters.display_text", 20)
    _text(parameters, "url", "action.parameters.url", 2000)


def _check_location_request(action: Body) -> None:
    if action.get("name") != "send_location":
        _refuse(131009, "action.name must be 'send_location'")


def _check_flow(action: Body) -> None:
    if action.get("name") != "flow":
        _refuse(131009, "action.name must be 'flow'")
    _object(action.get("parameters"), "action.parameters")


def _check_product(action: Body) -> None:
    _text(action, "catalog_id", "action.catalog_id")


INTERACTIVE: dict[str, Callable[[Body], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta_url,
    "location_request_message": _check_location_request,
    "flow": _check_flow,
    "product": _check_product,
    "product_list": _check_product,
}

CHECKERS: dict[str, Callable[[Any], None]] = {
    "text": _check_text,
    "image": _media("image", caption=True),
    "video": _media("video", caption=True),
    "document": _media("document", caption=True),
    "audio": _media("audio", caption=False),
    "sticker": _media("sticker", caption=False),
    "reaction": _check_reaction,
    "location": _check_location,
    "contacts": _check_contacts,
    "template": _check_template,
    "interactive": _check_interactive,
}
