"""Devanagari names in Latin letters, the way people write them: रमेश is Ramesh, महेंद्र is Mahendra.

Hindi does not sound every inherent vowel. It is dropped at the end of a word and between two sounded
syllables, but kept after a cluster at the end, where the word could not be said without it.
"""

import unicodedata
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


_MOST_OPEN = 5
"""Vowels that may be written or not; of longer words the first ones are tried."""
_EITHER_WAY = (
    ("ृ", "ri", "ru"),
    ("ौ", "au", "o"),
    ("ड़", "d", "r"),
    ("ढ़", "dh", "rh"),
    ("ॉ", "o", "a"),
    ("िय", "iy", "y"),
)
"""Signs that are written in two ways: Kripa and Krupa, Rathaur and Rathor, Arora and Aroda, Hall and
Hol, Hariyana and Haryana."""


@lru_cache(maxsize=16384)
def spellings(word: str) -> frozenset[str]:
    """All the ways in which people write a word of Devanagari in Latin letters, as far as they differ in
    which short a they write (भगवती is Bhagwati or Bhagavati, अग्रवाल Agrawal or Agarwal), in a nasal at the
    end (माँ is Maa or Maan) and in signs for which there are two ways. A word in other letters is itself."""
    if not has_devanagari(word):
        return frozenset({word})
    made = {way for whole in (word, word.rstrip(_NASALS) or word) for way in _ways(whole)} | {romanise(word)}
    whole = unicodedata.normalize("NFC", word)
    for sign, usual, other in _EITHER_WAY:
        if unicodedata.normalize("NFC", sign) in whole:
            made |= {way.replace(usual, other) for way in made}
    return frozenset(made)


def _ways(word: str) -> set[str]:
    syllables = _syllables(word)
    if not syllables:
        return set()
    usual = [list(syllable) for syllable in syllables]
    _drop_schwas(usual)
    last = len(syllables) - 1
    ends = [usual[last]]
    if word.endswith("\u093eलय"):
        ends.append(["y", "a"])  # Bhojanalay, Bhojanalaya
    ways = [[*syllables[:-1], end] for end in ends]
    for place in range(1, min(last, _MOST_OPEN + 1)):
        ways += [
            [*way[:place], [way[place][0], changed], *way[place + 1 :]]
            for way in ways
            if (changed := _otherwise(way, place)) is not None
        ]
    return {"".join(onset + vowel.replace(_INHERENT, "a") for onset, vowel in way) for way in ways}


def _otherwise(way: list[list[str]], place: int) -> str | None:
    """The other vowel that people write at a place within a word; `None` where there is only one."""
    before, here, after = way[place - 1], way[place], way[place + 1]
    if here[1] == _INHERENT and after[0] and (after[1] or place + 2 < len(way)):
        return "" if before[1] or before[0] in ("n", "m", "ng", "r") else None
    if here[1] == "" and after[0] == "r" and before[1] and here[0] not in ("n", "m", "ng"):
        return "a"
    return None
