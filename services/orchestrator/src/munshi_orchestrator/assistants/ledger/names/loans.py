"""Words of shops' names that are said otherwise than they are written: English words, letters and places,
each with its usual spellings in Devanagari (`loans.txt`). By their sound alone Centre and सेंटर, New and न्यू
would not meet."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".txt")

_FOLDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("\u093c", ""),
        ("\u0901|\u0928\u094d(?=[\u0915-\u0939])|\u092e\u094d(?=[पफबभ])", "\u0902"),
        ("[\u0949\u094c]", "\u094b"),
        ("[\u0948\u0945]", "\u0947"),
        ("\u0940", "\u093f"),
        ("\u0942", "\u0941"),
        ("ई", "इ"),
        ("ऊ", "उ"),
        ("ऐ", "ए"),
        ("[ऑऔ]", "ओ"),
        ("(?<=.)्[सज]$", ""),
    )
)
"""Spellings of one sound in Devanagari, brought together; the s of a plural falls."""


def _folded(word: str) -> str:
    word = unicodedata.normalize("NFD", word)
    for pattern, replacement in _FOLDS:
        word = pattern.sub(replacement, word)
    return word


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _table() -> dict[str, frozenset[str]]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    pairs = (entry.split("=") for line in lines if not line.startswith("#") for entry in line.split())
    return {latin: frozenset(_folded(word) for word in written.split(",")) for latin, written in pairs}


_DEVANAGARI = _table()
_KNOWN = frozenset().union(*_DEVANAGARI.values())


@lru_cache(maxsize=65536)
def same(latin: str, devanagari: str) -> bool | None:
    """Whether two folded words are one; `None` where either is not listed."""
    spellings = _DEVANAGARI.get(latin) or _DEVANAGARI.get(_singular(latin))
    written = _folded(devanagari)
    if spellings is not None and written in spellings:
        return True
    return False if spellings is not None and written in _KNOWN else None
