"""What a text is made of, for the small embedding: words by their key and pieces of them. Pure.

Devanagari and Latin spellings of a word share a key, so "शर्मा ट्रेडर्स" and "Sharma Traders" share features.
"""

import re
import zlib
from collections import Counter
from functools import lru_cache

from munshi_inference.language.romanise import key, skeleton
from munshi_inference.language.script import fold

BUCKETS = 8192
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 2_000
"""Characters of a text that are looked at."""
_KIND_WEIGHTS = {"w": 1.6, "s": 1.0, "2": 0.5, "3": 0.8, "4": 0.9}
"""Whole words, their consonants, and pieces of two to four letters."""


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[tuple[int, float], ...]:
    name = key(word)
    marked = f"^{name}$"
    parts = [f"w{name}", f"s{skeleton(name)}"]
    parts += [f"{size}{marked[i : i + size]}" for size in (2, 3, 4) for i in range(len(marked) - size + 1)]
    found: Counter[int] = Counter()
    for part in parts:
        found[zlib.crc32(part.encode()) % BUCKETS] += _KIND_WEIGHTS[part[0]]  # type: ignore[assignment]
    return tuple(found.items())


def features(text: str) -> dict[int, float]:
    """Buckets (0 to `BUCKETS` - 1) with their weights; empty for a text without letters and digits."""
    found: dict[int, float] = {}
    for word in _WORD.findall(fold(text[:_LONGEST])):
        for bucket, weight in _of_word(word):
            found[bucket] = found.get(bucket, 0.0) + weight
    return found
