"""What words are before anybody uses them: the ordinary, those of the ledger, and of what kind."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from munshi_inference.language.tokens import tokenise
from munshi_inference.training.generator import all_phrases
from munshi_inference.training.people import WORDS

_GIVEN = ("first_names", "given_names", "gods", "nicknames", "names_deva")
_FAMILY = ("last_names", "family_names", "last_names_deva")
_GOODS = ("items", "items_en", "goods", "goods_en")
_OTHER_THINGS = ("services", "services_en", "expenses", "expenses_en", "units", "units_en")
_PLACES = ("places", "places_en", "cities")
_THINGS = (*_GOODS, *_OTHER_THINGS, *_PLACES, "honorifics", "titles")
SHORT_KEY = 3
"""Name keys up to this length are also ordinary words (de, kar, das) and stay in the vocabulary."""
ORDINARY = 5
"""A name's key that this many phrases say is an ordinary word too (bola, more), and stays."""


def _keys(texts: Iterable[str]) -> set[str]:
    return {t.key for text in texts for t in tokenise(text) if t.is_word}


def _word_file(name: str) -> str:
    return (WORDS / f"{name}.txt").read_text(encoding="utf-8").replace("|", " ").replace("_", " ")


def _word_keys(*names: str) -> set[str]:
    return _keys(_word_file(name) for name in names)


@cache
def _spoken() -> tuple[frozenset[str], frozenset[str]]:
    """Keys of the literal words of all phrases but names, and those of phrases that talk of the ledger."""
    phrases = all_phrases()
    keys = {word: _keys([word]) for word in {w for p in phrases for w in p.words}}
    said = Counter(k for p in phrases for k in set().union(*(keys[w] for w in p.words)))
    names = {k for k in _word_keys(*_GIVEN, *_FAMILY) if len(k) > SHORT_KEY and said[k] < ORDINARY}
    of_ledger = set().union(*(keys[w] for p in phrases if p.intent != "other" for w in p.words))
    return frozenset(set(said) - names), frozenset(of_ledger - names)


def vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """Keys of ordinary words (of all phrases and of things, not of names), and those of ledger talk alone."""
    things = _word_keys(*_THINGS)
    spoken, of_ledger = _spoken()
    return frozenset(things | spoken), frozenset(things | of_ledger)


def kinds() -> dict[str, list[str]]:
    """Keys of words by what they are known as: people, shops, goods, other things, places."""
    spoken, _ = _spoken()
    shops = _keys(re.sub(r"{\w+}", " ", _word_file("shops")).split())
    found = {
        "given": _word_keys(*_GIVEN) - spoken,
        "family": _word_keys(*_FAMILY) - spoken,
        "shop": shops,
        "goods": _word_keys(*_GOODS),
        "thing": _word_keys(*_OTHER_THINGS),
        "place": _word_keys(*_PLACES),
    }
    return {kind: sorted(keys) for kind, keys in found.items()}
