"""What drawn documents are made of (`words.toml`): trades, shops, goods and places, in three languages; and
further words of the trades, for texts alone (`more_words.toml`)."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munshi.contracts.understanding import Category

FILE = Path(__file__).with_name("words.toml")
MORE = Path(__file__).with_name("more_words.toml")

LANGUAGES = ("en", "hi", "si")
"""BCP 47; a list of another language than English bears its name at its end."""

ByLanguage = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of business."""

    category: Category
    paper: str
    """`thermal`, `a4` or `both`."""
    kinds: ByLanguage
    """What the shops' names end in."""
    goods: Mapping[str, tuple[tuple[str, str], ...]]
    """Names, each with a price in rupees."""
    notes: tuple[str, ...]
    """Rows that only this trade prints, in English."""
    drawn: bool
    """Its papers are drawn too; of the others there are only texts, for the classifier."""
    more_kinds: ByLanguage
    """Of texts alone."""
    more_goods: ByLanguage
    """Of texts alone; without prices."""
    more_notes: ByLanguage
    """Rows that only this trade prints; of texts alone."""

    def speaks(self, language: str) -> bool:
        """Whether its shops and goods have names in a language."""
        return bool(self.kinds[language] and self.goods[language])


@dataclass(frozen=True, slots=True)
class Words:
    """All of it."""

    trades: Mapping[str, Trade]
    owners: ByLanguage
    streets: ByLanguage
    towns: ByLanguage
    people: ByLanguage
    other_texts: tuple[str, ...]
    """What is no business document."""


def _priced(names: list[str]) -> tuple[tuple[str, str], ...]:
    split = (name.rpartition(" ") for name in names)
    return tuple((name, price) for name, _, price in split)


def _by_language(table: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        language: table.get(name if language == "en" else f"{name}_{language}", []) for language in LANGUAGES
    }


def _tuples(table: dict[str, Any], name: str) -> ByLanguage:
    return {language: tuple(entries) for language, entries in _by_language(table, name).items()}


def _listed(table: dict[str, Any], name: str) -> ByLanguage:
    """Lists between commas, in order and each word once."""
    return {
        language: tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
        for language, words in ((of, words or "") for of, words in _by_language(table, name).items())
    }


def _trade(table: dict[str, Any], more: dict[str, Any]) -> Trade:
    return Trade(
        Category(table["category"]),
        table["paper"],
        _tuples(table, "kinds"),
        {language: _priced(names) for language, names in _by_language(table, "goods").items()},
        tuple(table["notes"]),
        table.get("drawn", True),
        _listed(more, "kinds"),
        _listed(more, "goods"),
        _listed(more, "notes"),
    )


@functools.cache
def load() -> Words:
    """The words; read once."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    more = tomllib.loads(MORE.read_text(encoding="utf-8"))
    trades = {name: _trade(table, more[name]) for name, table in tables.pop("trades").items()}
    lists = {name: _tuples(tables, name) for name in ("owners", "streets", "towns", "people")}
    return Words(trades, **lists, other_texts=tuple(tables["other_texts"]))
