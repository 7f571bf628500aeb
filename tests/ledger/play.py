"""Plays a conversation from a table against the assistant and checks each answer.

A step does one thing: `say`, `tap` (place among the last buttons, or a title among all ever shown), `edit`
or `revoke` (name of an earlier step), `media` (Meta's type). Where the engine is scripted, `as` is its
understanding, and `with_name` that of the text with a name in place of the pronoun. `id` names a step for
later; `quote` quotes a named step, `quote_reply` our reply to it; `wait` lets hours pass. Checks: `reply`
(whole), `has` and `lacks` (parts), `silent`, `buttons` (titles), `books` (name, amount, category).
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from munshi.contracts.assistant import Button, Row, SaidKind
from munshi.contracts.ids import MessageID
from munshi_orchestrator.assistants.ledger.phrases import CATALOGUE

from .scripted import Scripted, reading
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
    text = step.get("say") or step.get("text")
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
    kind = SaidKind.UNREADABLE
    return await shop.turn(shop.message(kind=kind, media_type=step["media"], text=step.get("text", "")))


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
    for reply in shop.replies:
        assert reply.quotes is not None, told


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
