"""Keys of names: spellings of one name meet under one key.

`strict` is safe enough to link without asking. `loose` also joins spellings that are often two people
(Ankit and Ankita, Vijay and Bijay): it is only ever a reason to ask.
"""

import re
import unicodedata
from functools import lru_cache

from munshi_orchestrator.assistants.ledger.lexicon import listed
from munshi_orchestrator.assistants.ledger.names.romaniser import romanise

_HONORIFICS = listed("""
    ji jee jii bhai bhaai bhaiya bhaiyya bhaia bro didi saab sahab sahib saheb sir madam maam mr mrs ms
    mister shri shree sri smt shrimati seth sethji bhaisaab bhaisahab anna garu
    """)
_GLUED = re.compile(r"(?<=[a-z]{4})(bhai|bhaai|behn|ben|ji|jee)$")
_MOHAMMAD = re.compile(r"^(md|mohd|mohammad|mohammed|mohamad|mohamed|muhammad|muhammed|mohammd)$")

_STRICT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"ksh|x", "ks"),
        (r"chh", "ch"),
        (r"ph", "f"),
        (r"aa+", "a"),
        (r"ee+|ii+", "i"),
        (r"oo+", "u"),
        (r"ou|ow(?=[^aeiou])", "au"),
        (r"w", "v"),
        (r"z", "j"),
        (r"q|ck|c(?!h)", "k"),
        (r"sh", "s"),
        (r"th", "t"),
        (r"(?<=i)y(?=[aeou])", ""),
        (r"(?<=[^aeiou])y$|(?<=[au])y$|ey$", "i"),
        (r"m(?=[pb])", "n"),
        (r"(.)\1+", r"\1"),
        (r"(?<=[aeiou])h$", ""),
        (r"(?<=[^aeiou]{2})a$", ""),
    )
)
_LOOSE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=[kgjdb])h"), ""),
    (re.compile(r"v"), "b"),
    (re.compile(r"(?<=...)[aeiou]+$"), ""),
    (re.compile(r"y"), "i"),
)


def fold(name: str) -> str:
    """One spelling regardless of case, composition and spaces."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """Strict keys of the words of a name, without honorifics (unless nothing else is there)."""
    latin = re.sub(r"[^\w ]+", " ", romanise(fold(name)).lower()).split()
    bare = [word for word in latin if word not in _HONORIFICS] or latin
    return tuple(of_word(word) for word in bare)


@lru_cache(maxsize=65536)
def strict(name: str) -> str:
    """The key under which spellings are one name."""
    return " ".join(words(name))


@lru_cache(maxsize=65536)
def both(name: str) -> tuple[str, str]:
    """The name regardless of case, and its strict key."""
    return fold(name), strict(name)


@lru_cache(maxsize=65536)
def loose(name: str) -> str:
    """The key under which spellings may be one name."""
    out = []
    for word in words(name):
        for pattern, replacement in _LOOSE:
            word = pattern.sub(replacement, word)  # noqa: PLW2901  # each rule works on what the last one left
        out.append(word)
    return " ".join(out)


def is_honorific(word: str) -> bool:
    """Whether a folded word, in either script, is only respect: ji, Shri, श्री."""
    return romanise(word) in _HONORIFICS


def of_word(word: str) -> str:
    """The strict key of one small word in Latin letters."""
    word = _GLUED.sub("", word)
    if _MOHAMMAD.match(word):
        return "mohamad"
    for pattern, replacement in _STRICT:
        word = pattern.sub(replacement, word)
    return word
