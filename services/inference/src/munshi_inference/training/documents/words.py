"""What drawn documents are made of (`words.toml`): trades, shops, goods and places, in English and Hindi."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munshi.contracts.understanding import Category

FILE = Path(__file__).with_name("words.toml")


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of business."""

    category: Category
    paper: str
    """`thermal`, `a4` or `both`."""
    kinds: tuple[str, ...]
    """What the shops' names end in."""
    kinds_hi: tuple[str, ...]
    goods: tuple[tuple[str, str], ...]
    """Names, each with a price in rupees."""
    goods_hi: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    """Rows that only this trade prints."""


@dataclass(frozen=True, slots=True)
class Words:
    """All of it; the lists ending in `hi` are in Hindi."""

    trades: Mapping[str, Trade]
    owners: tuple[str, ...]
    owners_hi: tuple[str, ...]
    streets: tuple[str, ...]
    streets_hi: tuple[str, ...]
    towns: tuple[str, ...]
    towns_hi: tuple[str, ...]
    people: tuple[str, ...]
    people_hi: tuple[str, ...]
    other_texts: tuple[str, ...]
    """What is no business document."""


def _priced(names: list[str]) -> tuple[tuple[str, str], ...]:
    split = (name.rpartition(" ") for name in names)
    return tuple((name, price) for name, _, price in split)


def _trade(table: dict[str, Any]) -> Trade:
    return Trade(
        Category(table["category"]),
        table["paper"],
        tuple(table["kinds"]),
        tuple(table["kinds_hi"]),
        _priced(table["goods"]),
        _priced(table["goods_hi"]),
        tuple(table["notes"]),
    )


@functools.cache
def load() -> Words:
    """The words; read once."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    trades = {name: _trade(table) for name, table in tables.pop("trades").items()}
    return Words(trades, **{name: tuple(entries) for name, entries in tables.items()})
