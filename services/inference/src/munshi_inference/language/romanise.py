"""Hindi spellings: Devanagari as people romanise it, and a key under which spelling variants meet.

`key("उधार") == key("udhaar") == key("udhar") == key("udaar")`: everything trained here sees words by key,
so the three writings of one language share what was learned.
"""

import re
from functools import lru_cache

from munshi_inference.language.script import is_devanagari

_VOWELS = {
    "अ": "a", "आ": "aa", "इ": "i", "ई": "ee", "उ": "u", "ऊ": "oo", "ऋ": "ri", "ए": "e", "ऐ": "ai",
    "ओ": "o", "औ": "au", "ऑ": "o", "ऍ": "e",
}  # fmt: skip
_SIGNS = {
    "ा": "aa", "ि": "i", "ी": "ee", "ु": "u", "ू": "oo", "ृ": "ri", "े": "e", "ै": "ai", "ो": "o",
    "ौ": "au", "ॉ": "o", "ॅ": "e",
}  # fmt: skip
_CONSONANTS = {
    "क": "k", "ख": "kh", "ग": "g", "घ": "gh", "ङ": "n", "च": "ch", "छ": "chh", "ज": "j", "झ": "jh", "ञ": "n",
    "ट": "t", "ठ": "th", "ड": "d", "ढ": "dh", "ण": "n", "त": "t", "थ": "th", "द": "d", "ध": "dh", "न": "n",
    "प": "p", "फ": "ph", "ब": "b", "भ": "bh", "म": "m", "य": "y", "र": "r", "ल": "l", "ळ": "l", "व": "v",
    "श": "sh", "ष": "sh", "स": "s", "ह": "h",
}  # fmt: skip
_NUKTA = {"क": "q", "ख": "kh", "ग": "g", "ज": "z", "ड": "d", "ढ": "dh", "फ": "f"}
_PRECOMPOSED = {
    "\u0958": "क\u093c", "\u0959": "ख\u093c", "\u095a": "ग\u093c", "\u095b": "ज\u093c",
    "\u095c": "ड\u093c", "\u095d": "ढ\u093c", "\u095e": "फ\u093c", "\u095f": "य",
}  # fmt: skip
_VIRAMA, _NUKTA_SIGN = "\u094d", "\u093c"
_NASAL = {"ं": "n", "ँ": "n"}


def _phones(word: str) -> list[tuple[str, str]]:
    """Pairs of consonant and vowel; an inherent vowel is written `@`, none is the empty string."""
    for composed, parts in _PRECOMPOSED.items():
        word = word.replace(composed, parts)
    phones: list[tuple[str, str]] = []
    for i, char in enumerate(word):
        following = word[i + 1] if i + 1 < len(word) else ""
        if char in _CONSONANTS:
            sound = _NUKTA.get(char, _CONSONANTS[char]) if following == _NUKTA_SIGN else _CONSONANTS[char]
            phones.append((sound, "@"))
        elif char in _SIGNS and phones:
            phones[-1] = (phones[-1][0], _SIGNS[char])
        elif char == _VIRAMA and phones:
            phones[-1] = (phones[-1][0], "")
        elif char in _VOWELS:
            phones.append(("", _VOWELS[char]))
        elif char in _NASAL:
            phones.append((_NASAL[char], ""))
        elif char != _NUKTA_SIGN and not is_devanagari(char):
            phones.append((char, ""))
    return phones


def _without_schwas(phones: list[tuple[str, str]]) -> str:
    """Hindi drops the inherent vowel at the end of a word and between two sounded syllables."""
    vowels = [vowel for _, vowel in phones]
    last = len(phones) - 1
    if last > 0 and vowels[last] == "@":
        vowels[last] = ""
    for i in range(last - 1, 0, -1):
        sounded = bool(vowels[i - 1]) and bool(vowels[i + 1])
        if vowels[i] == "@" and sounded and phones[i][0] and phones[i + 1][0]:
            vowels[i] = ""
    return "".join(c + ("a" if v == "@" else v) for (c, _), v in zip(phones, vowels, strict=True))


@lru_cache(maxsize=8192)
def romanise(word: str) -> str:
    """One word of Devanagari in Latin letters the way people type it; other words unchanged."""
    return _without_schwas(_phones(word)) if is_devanagari(word) else word


_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[^a-z0-9]", ""),
        (r"tion", "shan"),
        (r"chh|ch", "C"),
        (r"c(?=[eiy])", "s"),
        (r"ck|q|c", "k"),
        (r"x", "ks"),
        (r"ph", "f"),
        (r"w", "v"),
        (r"z", "j"),
        (r"(?<=[kgjtdpbs])h", ""),
        (r"aa+", "a"),
        (r"ee+|ea", "i"),
        (r"oo+|ou", "u"),
        (r"i?y(?=[aeiou])", "i"),
        (r"ai|ay|ei|ey|ae", "e"),
        (r"au|av(?![aeiou])", "o"),
        (r"y", "i"),
        (r"m(?=[pb])", "n"),
        (r"(.)\1+", r"\1"),
        (r"(?<=[a-zC])h$", ""),
        (r"(?<=[eiou])n$", ""),
    )
)


@lru_cache(maxsize=16384)
def key(word: str) -> str:
    """The key of one folded (lower-case) word. Digits stay; long vowels, aspiration and doubling do not."""
    text = romanise(word)
    if text.isdecimal():
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text or word


@lru_cache(maxsize=16384)
def skeleton(word_key: str) -> str:
    """The consonants of a key: "nahi", "nhi" and "nahee" are one."""
    return word_key[:1] + re.sub(r"[aeiou]", "", word_key[1:])
