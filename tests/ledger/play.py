"""Plays a conversation from a table against the assistant and checks each answer.

A step does one thing: `say`, `tap` (place among the last buttons, or a title among all ever shown), `edit`
or `revoke` (name of an earlier step), `media` (Meta's type, with `refused` the reason), `picture` (what was
read of it, with `text` the caption), `voice` (what was heard, with `confidence`). Where the engine is
scripted, `as` is its understanding, and `with_name` that of the text with a name in place of the pronoun.
`id` names a step for later; `quote` quotes a named step, `quote_reply` our reply to it; `wait` lets hours
pass.

Checks: `reply` (whole), `has` and `lacks` (parts), `silent`, `buttons` (titles), `books` (name, amount,
category), `kept` (of the last entry: `source`, `day` and what stands in its metadata), `spoken` (language of
the voice note), `written` (what goes instead where it cannot be spoken).
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from munshi.contracts.assistant import Button, Row, Said, SaidKind, Source
from munshi.contracts.ids import MessageID
from munshi.contracts.media import Document, DocumentFields, FileKind, LineItem, Stored, Transcript
from munshi_orchestrator.assistants.ledger.phrases import CATALOGUE

from .scripted import WRITINGS, Scripted, reading
from .shop import Shop

HERE = Path(__file__).parent


def table(name: str) -> list[dict[str, Any]]:
    """Conversations of a file."""
    found: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return found


async def play(
    shop: Shop, conversation: dict[str, Any], scripted: Scripted | None = None, heard_as: str | None = None
) -> None:
    """Plays all steps. `heard_as` has all of it heard in another writing: then only the books are checked."""
    lang = heard_as or conversation.get("lang", "hinglish")
    if not {"say", "voice"} & conversation["steps"][0].keys():
        shop.language = WRITINGS[lang]  # a picture is of no language: they have talked before
    known: dict[str, MessageID] = {}
    for number, step in enumerate(conversation["steps"], start=1):
        shop.now += timedelta(hours=step.get("wait", 0))
        if scripted is not None:
            _teach(scripted, step, lang, heard_as)
        answered = await _do(shop, step, known)
        if "id" in step and shop.last_id is not None:
            known[step["id"]] = shop.last_id
        checked = {"books": step["books"]} if heard_as and "books" in step else {} if heard_as else step
        if "silent" in step:
            checked["silent"] = step["silent"]
        _check(shop, checked, answered, f"step {number} {step}\n-> {answered!r}\nbooks {shop.live()}")


def _teach(scripted: Scripted, step: dict[str, Any], lang: str, heard_as: str | None) -> None:
    text = step.get("say") or step.get("text") or step.get("voice")
    if text is not None and "as" in step:
        row = step["as"] | ({"lang": heard_as} if heard_as else {})
        scripted.table[text] = reading(text, row, lang)
    if "with_name" in step:
        row = step["with_name"]
        scripted.table[row["text"]] = reading(row["text"], row, lang)


async def _do(shop: Shop, step: dict[str, Any], known: dict[str, MessageID]) -> str:
    more: dict[str, Any] = {}
    if "quote" in step:
        more["quoted"] = known[step["quote"]]
    if "quote_reply" in step:
        more["quoted"] = MessageID(f"reply to {known[step['quote_reply']]}")
    if "say" in step:
        return await shop.say(step["say"], **more)
    if "tap" in step:
        return await shop.tap(_choice(shop, step["tap"]))
    if "edit" in step:
        return await shop.edit(known[step["edit"]], step["text"])
    if "revoke" in step:
        return await shop.revoke(known[step["revoke"]])
    more["text"] = step.get("text", "")
    if "picture" in step:
        return await shop.turn(picture(shop, step["picture"], **more))
    if "voice" in step:
        heard = Transcript(text=step["voice"], confidence=step.get("confidence", 0.9), seconds=3)
        given = {"text": step["voice"], "source": Source.VOICE, "transcript": heard, "media_type": "audio"}
        return await shop.turn(shop.message(**(more | given)))
    more |= {"kind": SaidKind.UNREADABLE, "refused": step.get("refused")}
    return await shop.turn(shop.message(media_type=step["media"], **more))


def picture(shop: Shop, row: dict[str, Any], **more: Any) -> Said:
    """A picture of which this was read: fields of the document by name, and `sha256`, `kind`, `category`,
    `lines`, `failed_checks`, `confidences`."""
    names = ("total", "date", "vendor", "invoice_no", "gstin", "currency", "tax")
    digest = row.get("sha256", "ab" * 32)
    document = Document(
        kind=FileKind(row.get("kind", "receipt")),
        fields=DocumentFields.model_validate({name: row[name] for name in names if name in row}),
        lines=tuple(LineItem(description=name, amount=amount) for name, amount in row.get("lines", [])),
        failed_checks=tuple(row.get("failed_checks", ())),
        category=row.get("category"),
        category_confidence=0.9 if "category" in row else 0.0,
        confidences=row.get("confidences", {}),
        confidence=row.get("confidence", 0.95),
    )
    file = Stored(key=f"{digest[:2]}/{digest}", sha256=digest, mime_type="image/jpeg", size=300_000)
    given = {"kind": SaidKind.DOCUMENT, "source": Source.IMAGE, "document": document, "file": file}
    return shop.message(**(more | given), media_type="image")


def _choice(shop: Shop, wanted: int | str) -> int | Button | Row:
    if isinstance(wanted, int):
        return wanted
    titles = {wanted} | {
        other[phrase]
        for one in CATALOGUE.values()
        for phrase in one
        if one[phrase] == wanted
        for other in CATALOGUE.values()
    }
    return next(choice for choice in reversed(shop.shown) if choice.title in titles)


def _check(shop: Shop, step: dict[str, Any], answered: str, told: str) -> None:
    if "reply" in step:
        assert answered == step["reply"], told
    for part in _listed(step.get("has", [])):
        assert part in answered, f"lacks {part!r} in {told}"
    for part in _listed(step.get("lacks", [])):
        assert part not in answered, f"has {part!r} in {told}"
    assert bool(answered) is not step.get("silent", False), told
    if "buttons" in step:
        assert shop.titles() == step["buttons"], f"{shop.titles()} in {told}"
    if "books" in step:
        books = [(name, Decimal(str(amount)), category) for name, amount, category in step["books"]]
        live = [(name, Decimal(amount), category) for name, amount, category in shop.live()]
        assert live == books, told
    if "kept" in step:
        ref, row = next(reversed(shop.books.rows.items()))
        kept = {"source": shop.books.sources[ref].value, "day": row.occurred_on}
        assert kept | shop.books.metadata[ref] == step["kept"], told
    if "spoken" in step:
        assert [reply.spoken for reply in shop.replies] == [step["spoken"]], told
    if "written" in step:
        (reply,) = shop.replies
        assert (reply.written or reply.text) == step["written"], told
    for reply in shop.replies:
        assert reply.quotes is not None, told


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
