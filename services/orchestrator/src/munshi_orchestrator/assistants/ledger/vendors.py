"""Businesses whose bills came before: how they are spelled, and what their bills usually are."""

from dataclasses import dataclass

from munshi.contracts.assistant import Customer, Entry, Remembered
from munshi.contracts.ids import MessageID
from munshi.contracts.understanding import Category
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.names import Link, across, key, match
from munshi_orchestrator.assistants.ledger.state import Receipt

_PREFIX = "vendor:"
_MOST = 5
_NEAR = 0.6
"""Cosine from which on a name in the same script is looked at: below it are other businesses of the same
trade. Across scripts the spelling alone decides among the nearest: two writings share few pieces."""
_TAKEN_FOR = (
    ("rn", "m"),
    ("vv", "w"),
    ("cl", "d"),
    ("0", "o"),
    ("1", "l"),
    ("i", "l"),
    ("5", "s"),
    ("8", "b"),
)


@dataclass(frozen=True, slots=True)
class Vendor:
    """What is known of one."""

    name: str
    category: Category


async def known(desk: Desk, name: str, gstin: str | None) -> Vendor | None:
    """The business that a bill names, if its bills came before: by GSTIN, else by likeness and spelling."""
    for fact in await desk.books.like(_PREFIX, name, _MOST):
        if (gstin is not None and fact.value.get("gstin") == gstin) or _is_same(name, fact):
            return Vendor(fact.value["name"], Category(fact.value["category"]))
    return None


def _is_same(name: str, fact: Remembered) -> bool:
    if _as_seen(name) == _as_seen(fact.value["name"]):
        return True
    if across.same(name, fact.value["name"]):
        return True
    return fact.likeness >= _NEAR and isinstance(match(name, [Customer(id=0, name=fact.value["name"])]), Link)


def _as_seen(name: str) -> str:
    """The name with letters that a camera takes for each other made one: Sharrna is Sharma."""
    folded = key.fold(name)
    for seen, meant in _TAKEN_FOR:
        folded = folded.replace(seen, meant)
    return folded


def remember(desk: Desk, receipt: Receipt, entry: Entry, of: MessageID) -> None:
    """After a bill was booked, as its person wanted it; `of` is the message that brought it."""
    if receipt.vendor is None:
        return
    value = {"name": receipt.vendor, "category": entry.category.value, "gstin": receipt.gstin}
    desk.books.remember(f"{_PREFIX}{key.fold(receipt.vendor)}", value, about=receipt.vendor, of=of)
