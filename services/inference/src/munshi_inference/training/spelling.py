"""How people spell: variants of common words, long and short vowels, dropped and swapped letters."""

import random
from functools import lru_cache
from pathlib import Path

_VARIANTS_FILE = Path(__file__).parent / "words" / "variants.txt"
_SOUNDS = (
    ("aa", "a"), ("ee", "i"), ("oo", "u"), ("i", "ee"), ("u", "oo"), ("sh", "s"), ("w", "v"), ("v", "w"),
    ("z", "j"), ("kh", "k"), ("dh", "d"), ("th", "t"), ("bh", "b"), ("ai", "e"), ("a", "aa"), ("ph", "f"),
    ("chh", "ch"),
)  # fmt: skip
_MATRAS = (
    ("ी", "ि"),
    ("ि", "ी"),
    ("ू", "ु"),
    ("ु", "ू"),
    ("ँ", "ं"),
    ("़", ""),
    ("ं", ""),
    ("ये", "ए"),
    ("ये", "ऐ"),
    ("श", "स"),
)


@lru_cache
def variants() -> dict[str, list[str]]:
    """Common words with the spellings that people give them."""
    pairs = (entry.split("=") for entry in _VARIANTS_FILE.read_text(encoding="utf-8").split())
    return {word: spellings.split("/") for word, spellings in pairs}


def _variant(word: str, writing: str, rng: random.Random) -> str:
    if writing == "deva":
        old, new = rng.choice(_MATRAS)
        return word.replace(old, new, 1)
    if word in variants() and rng.random() < 0.8:
        return rng.choice(variants()[word])
    if writing == "en":
        return word
    old, new = rng.choice(_SOUNDS)
    return word.replace(old, new, 1)


def _typo(word: str, rng: random.Random) -> str:
    """One slip of the thumb."""
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.35:
        return word[:i] + word[i + 1 :]
    if kind < 0.6:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind < 0.8:
        return word[:i] + word[i] + word[i:]
    return word[:i] + rng.choice("aeioutnrsm") + word[i + 1 :]


def misspell(text: str, writing: str, rng: random.Random) -> str:
    """The text with some words in another spelling; spaces at the ends stay."""
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :] if text.strip() else ""
    out = []
    careless = rng.random() < 0.35
    for word in text.split():
        choice = rng.random()
        spelled = word
        if choice < (0.35 if writing != "deva" else 0.12):
            spelled = _variant(word, writing, rng)
        if writing != "deva" and rng.random() < (0.09 if careless else 0.01):
            spelled = _typo(spelled, rng)
        out.append(spelled)
    return lead + " ".join(out) + tail
