"""What a text is made of, for the small embedding: words by their key, by their sound and by pieces. Pure.

Devanagari and Latin spellings of a word share a key or at least a sound (`sounds`): "शर्मा ट्रेडर्स" and
"Sharma Traders" share most features.
"""

import unicodedata
import zlib
from collections import Counter
from functools import lru_cache

from munshi_inference.embeddings.sounds import consonants, sound
from munshi_inference.language.romanise import key
from munshi_inference.language.script import clean, fold

BUCKETS = 8192
_LONGEST = 2_000
"""Characters of a text that are looked at."""
_KIND_WEIGHTS = {"w": 1.0, "s": 1.2, "c": 1.2, "2": 0.4, "3": 0.7, "4": 0.8, "B": 0.5, "T": 0.9}
"""Whole words by key, by sound and by their consonants; pieces of two to four letters of the sound; pieces of
two and three consonants."""


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[tuple[int, float], ...]:
    heard = sound(word)
    bare = consonants(heard)
    parts = [f"w{key(word)}", f"s{heard}", f"c{bare}"]
    for kinds, marked in (("234", f"^{heard}$"), ("BT", f"^{bare}$")):
        for size, kind in enumerate(kinds, start=2):
            parts += [f"{kind}{marked[i : i + size]}" for i in range(len(marked) - size + 1)]
    found: Counter[int] = Counter()
    for part in parts:
        found[zlib.crc32(part.encode()) % BUCKETS] += _KIND_WEIGHTS[part[0]]  # type: ignore[assignment]
    return tuple(found.items())


def _words(text: str) -> list[str]:
    """Runs of letters, digits and the signs that belong to letters: a vowel of Devanagari is such a sign."""
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in fold(text)).split()


def features(text: str) -> dict[int, float]:
    """Buckets (0 to `BUCKETS` - 1) with their weights; empty for a text without letters and digits."""
    found: dict[int, float] = {}
    for word in _words(clean(text[:_LONGEST])):
        for bucket, weight in _of_word(word):
            found[bucket] = found.get(bucket, 0.0) + weight
    return found
