"""Whether a name in Devanagari is a name in Latin letters. Pure.

Latin spellings say less than Devanagari ones, and more than one way: भगवती is Bhagwati or Bhagavati. So each
word in Devanagari stands for all the ways in which it is written in Latin letters, and no sound is left out
that tells names apart: कमल is Kamal, कमला is Kamala or Kamla.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from munshi_orchestrator.assistants.ledger.names import key, loans
from munshi_orchestrator.assistants.ledger.names.romaniser import has_devanagari, spellings

_SOUNDED_ALIKE = 80
"""Of the consonants of two words: Plastics and प्लास्टिक्स have 100."""
_LONG = 4
"""Consonants that a word needs for that."""
_VOWELS = re.compile("[aeiou]+")
_SOFT_C = re.compile("c(?=[eiy])")
_SILENT_E = re.compile("(?<=..o)re$")
"""Kishore, Rathore."""
_JOINERS = frozenset({"and", "&", "एंड", "ऐंड", "एण्ड", "और", "व"})
_MARKS = re.compile(r"[^\w&\u0900-\u0963\u0970-\u097f]+")


def same(one: str, other: str) -> bool:
    """Whether one name in Devanagari is another in Latin letters, word for word."""
    if has_devanagari(one) == has_devanagari(other):
        return False
    latin, devanagari = (other, one) if has_devanagari(one) else (one, other)
    ours, theirs = _words(latin), _words(devanagari)
    if not ours or not theirs:
        return False
    if len(ours) == len(theirs):
        return _all_same(ours, theirs)
    longer, shorter = (ours, theirs) if len(ours) > len(theirs) else (theirs, ours)
    if len(longer) != len(shorter) + 1:
        return False
    joined = ([*longer[:at], longer[at] + longer[at + 1], *longer[at + 2 :]] for at in range(len(shorter)))
    return any(_all_same(*((way, theirs) if longer is ours else (ours, way))) for way in joined)


def _words(name: str) -> list[str]:
    found = [word for word in _MARKS.sub(" ", key.fold(name)).split() if word not in _JOINERS]
    return [word for word in found if not key.is_honorific(word)] or found


def _all_same(latin: Sequence[str], devanagari: Sequence[str]) -> bool:
    return all(
        _same_word(*pair, first=at == 0) for at, pair in enumerate(zip(latin, devanagari, strict=True))
    )


@lru_cache(maxsize=65536)
def _same_word(latin: str, devanagari: str, *, first: bool) -> bool:
    """The first word tells shops apart; later ones, mostly English words that are sounded otherwise in Hindi,
    may also meet by their consonants."""
    listed = loans.same(latin, devanagari)
    if listed is not None:
        return listed
    ours, theirs = (
        _keys({latin, _SOFT_C.sub("s", latin), _SILENT_E.sub("r", latin)}),
        _keys(spellings(devanagari)),
    )
    if ours & theirs:
        return True
    return not first and any(_alike(mine, their) for mine, _ in ours for their, _ in theirs)


def _keys(ways: Iterable[str]) -> set[tuple[str, bool]]:
    """Keys of a word's ways to be written, each with whether an a ends it, which a key may leave out: नंदा is
    Nanda and नंद is Nand."""
    return {(key.of_word(way), way.endswith(("a", "ah"))) for way in ways}


def _alike(one: str, other: str) -> bool:
    bare = [_VOWELS.sub("", word) for word in (one, other)]
    ends = [word.removesuffix("e")[-1:] for word in (one, other)]
    if min(map(len, bare)) < _LONG or bare[0][0] != bare[1][0]:
        return False
    sounded = [end if end in "iu" else "" for end in ends]
    return sounded[0] == sounded[1] and fuzz.ratio(*bare) >= _SOUNDED_ALIKE
