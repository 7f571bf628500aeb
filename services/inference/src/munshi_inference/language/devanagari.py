"""Romanised Hindi into Devanagari, for training sentences (the phrase files are written once, in Latin) and
for what a Hindi voice is given to say.

Exact spelling does not matter much: the models see words by key, and the key of what is written here is the
key of the word it came from; a voice reads it by its sounds.
"""

import re
from functools import lru_cache
from pathlib import Path

LOANS = Path(__file__).parent / "loans.txt"
"""Pairs `word=devanagari`."""
_CONSONANTS = (
    ("chh", "छ"), ("ksh", "क्ष"), ("kh", "ख"), ("gh", "घ"), ("ch", "च"), ("jh", "झ"),
    ("th", "थ"), ("dh", "ध"), ("ph", "फ"), ("bh", "भ"), ("sh", "श"), ("gy", "ग्य"),
    ("k", "क"), ("g", "ग"), ("c", "क"), ("j", "ज"), ("z", "ज़"), ("t", "त"), ("d", "द"),
    ("n", "न"), ("p", "प"), ("f", "फ"), ("b", "ब"), ("m", "म"), ("y", "य"), ("r", "र"),
    ("l", "ल"), ("v", "व"), ("w", "व"), ("s", "स"), ("h", "ह"), ("q", "क"),
    ("x", "क्स"),
)  # fmt: skip
_VOWELS = (
    ("aa", "आ", "ा"), ("ai", "ऐ", "ै"), ("au", "औ", "ौ"), ("ee", "ई", "ी"), ("oo", "ऊ", "ू"), ("ii", "ई", "ी"),
    ("uu", "ऊ", "ू"), ("a", "अ", ""), ("i", "इ", "ि"), ("u", "उ", "ु"), ("e", "ए", "े"), ("o", "ओ", "ो"),
)  # fmt: skip
_WORD = re.compile(r"[a-z]+")


@lru_cache
def loans() -> dict[str, str]:
    """Words whose Devanagari is not what their letters say: loan words and the commonest words of all."""
    return dict(pair.split("=") for pair in LOANS.read_text(encoding="utf-8").split())


def word_to_devanagari(word: str) -> str:
    """One lower-case romanised word."""
    if word in loans():
        return loans()[word]
    out: list[str] = []
    after_consonant = False
    i = 0
    while i < len(word):
        vowel = next((v for v in _VOWELS if word.startswith(v[0], i)), None)
        if vowel:
            i += len(vowel[0])
            final = i == len(word)
            sign = vowel[2]
            if final and vowel[0] in {"a", "i", "u"} and len(word) > 2:
                sign = {"a": "ा", "i": "ी", "u": "ू"}[vowel[0]]
            out.append(sign if after_consonant else vowel[1])
            after_consonant = False
            continue
        consonant = next((c for c in _CONSONANTS if word.startswith(c[0], i)), None)
        if consonant is None:
            out.append(word[i])
            i += 1
            after_consonant = False
            continue
        if after_consonant:
            out.append("्")
        out.append(consonant[1])
        i += len(consonant[0])
        after_consonant = True
    return "".join(out)


def to_devanagari(text: str) -> str:
    """Every Latin word of a text; digits and marks stay."""
    return _WORD.sub(lambda m: word_to_devanagari(m.group()), text.lower())
