"""Devanagari names in Latin letters, the way people write them: रमेश is Ramesh, महेंद्र is Mahendra.

Hindi does not sound every inherent vowel. It is dropped at the end of a word and between two sounded
syllables, but kept after a cluster at the end, where the word could not be said without it.
"""

from functools import lru_cache

_INDEPENDENT = dict(
    zip(
        "अआइईउऊऋएऐओऔऑऍ",
        ("a", "aa", "i", "ee", "u", "oo", "ri", "e", "ai", "o", "au", "o", "e"),
        strict=True,
    )
)
_MATRA = dict(zip("ािीुूृेैोौॉॅ", ("aa", "i", "ee", "u", "oo", "ri", "e", "ai", "o", "au", "o", "e"), strict=True))
_SOUNDS = "k kh g gh n ch chh j jh n t th d dh n t th d dh n p ph b bh m y r l l v sh sh s h"
_LETTER = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलळवशषसह",
        _SOUNDS.split(),
        strict=True,
    )
)
_DOTTED = {"क": "k", "ख": "kh", "ग": "g", "ज": "z", "ड": "d", "ढ": "dh", "फ": "f", "य": "y"}
_COMPOSED = dict(zip("\u0958\u0959\u095a\u095b\u095c\u095d\u095e\u095f", "कखगजडढफय", strict=True))
_NUKTA, _VIRAMA, _NASALS, _VISARGA = "\u093c", "\u094d", "\u0902\u0901", "\u0903"
_INHERENT = "*"


def has_devanagari(text: str) -> bool:
    """Whether any letter is Devanagari."""
    return any("\u0900" <= char <= "\u097f" for char in text)


def _nasal_before(following: str) -> str:
    if following == "ह":
        return "ng"  # सिंह is Singh
    return "m" if following in tuple("पफबभम") else "n"


def _syllables(word: str) -> list[list[str]]:
    """Pairs of onset and vowel: the vowel is empty under a virama, `*` where only inherent."""
    out: list[list[str]] = []
    for place, char in enumerate(word):
        following = word[place + 1] if place + 1 < len(word) else ""
        if char in _COMPOSED:
            out.append([_DOTTED[_COMPOSED[char]], _INHERENT])
        elif char in _LETTER:
            sound = _DOTTED.get(char, _LETTER[char]) if following == _NUKTA else _LETTER[char]
            out.append([sound, _INHERENT])
        elif char in _MATRA and out:
            out[-1][1] = _MATRA[char]
        elif char == _VIRAMA and out:
            out[-1][1] = ""
        elif char in _INDEPENDENT:
            out.append(["", _INDEPENDENT[char]])
        elif char in _NASALS:
            out.append([_nasal_before(following), ""])
        elif char == _VISARGA:
            out.append(["h", ""])
        elif not "\u0900" <= char <= "\u097f":
            out.append([char, ""])
    return out


def _drop_schwas(syllables: list[list[str]]) -> None:
    last = len(syllables) - 1
    if last > 0 and syllables[last][1] == _INHERENT:
        after_cluster = syllables[last - 1][1] == "" and syllables[last - 1][0] not in ("n", "m", "ng")
        after_nasal_cluster = last > 1 and syllables[last - 1][1] == "" and syllables[last][0] in ("y", "v")
        if not (after_cluster or after_nasal_cluster):
            syllables[last][1] = ""
    for place in range(last - 1, 0, -1):
        before, here, after = syllables[place - 1], syllables[place], syllables[place + 1]
        if here[1] == _INHERENT and before[1] and after[1] and after[0]:
            here[1] = ""


@lru_cache(maxsize=16384)
def romanise(text: str) -> str:
    """The text with each Devanagari word in small Latin letters; other words stay as they are."""
    words = []
    for word in text.split():
        if not has_devanagari(word):
            words.append(word)
            continue
        syllables = _syllables(word)
        _drop_schwas(syllables)
        words.append("".join(onset + vowel.replace(_INHERENT, "a") for onset, vowel in syllables))
    return " ".join(words)
