"""How a word sounds, so roughly that its spellings in Devanagari and in Latin letters meet: ट्रेडर्स and
Traders, इलेक्ट्रिकल्स and Electricals, फार्मेसी and Pharmacy. Pure.

`language.romanise.key` keeps more apart, since money hangs on what it joins; here nearness is all that is
asked.
"""

import re
from functools import lru_cache

from munshi_inference.language.romanise import key

_WRITTEN = (("ंह", "ंघ"), ("ज्ञ", "ग्य"), ("ऋ", "रि"), ("ृ", "्रि"))
"""As it is said: सिंह is Singh."""
_HEARD: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), heard)
    for pattern, heard in (
        (r"y", "i"),
        (r"e", "i"),
        (r"o", "u"),
        (r"(?<=.)[aiu]+$", ""),
        (r"v", "b"),
        (r"f", "p"),
        (r"ng$", "n"),
        (r"(.)\1+", r"\1"),
    )
)
_VOWELS = re.compile(r"[aiu]+")


@lru_cache(maxsize=16_384)
def sound(word: str) -> str:
    """A folded (lower-case) word as it sounds: three vowels, nothing aspirated or doubled, no last vowel."""
    for written, said in _WRITTEN:
        word = word.replace(written, said)
    heard = key(word)
    for pattern, replacement in _HEARD:
        heard = pattern.sub(replacement, heard)
    return heard or word


@lru_cache(maxsize=16_384)
def consonants(heard: str) -> str:
    """What is left of a sound without its vowels: English words are sounded with other vowels in Hindi."""
    return _VOWELS.sub("", heard) or heard
