"""The words that a masked text may keep: what everybody says of a ledger, and nobody's name.

A word stands here when several phrases of ledger talk say it, and no list of names has it. Everything else
of a text is masked, so what is not here cannot be kept: a name that no list knows, a made-up word, a number.
"""

from collections import Counter
from collections.abc import Iterable

from munshi_inference.language.devanagari import to_devanagari
from munshi_inference.language.number_words import AMBIGUOUS, look_up
from munshi_inference.language.tokens import tokenise
from munshi_inference.nlu.masking import NAMES_TOO
from munshi_inference.training.generator import all_phrases
from munshi_inference.training.people import WORDS

PHRASES = 3
"""So many phrases must say a word: a name that slipped into one does not."""
_NAMES = (
    "first_names", "given_names", "nicknames", "names_deva", "last_names", "family_names", "last_names_deva",
    "second_names", "initials_deva", "gods", "cities",
)  # fmt: skip
_NOR = frozenset(
    """
    virat delhi dilli india england pakistan australia january february march april may june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday somvar
    mangalvar budhvar guruvar shukravar shanivar ravivar itvar
    """.split()
)
"""Said by several phrases, and yet the name of somebody or somewhere, or of a day."""
_STILL_SAID = frozenset({"do", "so", "दो", "सो"})
"""Numbers only beside a number, where they are masked with it: "likh do", "so"."""


def _words(texts: Iterable[str]) -> set[str]:
    return {token.text for text in texts for token in tokenise(text) if token.is_word}


def names() -> set[str]:
    """Every word of the lists of names, in both scripts, folded."""
    listed = _words(
        (WORDS / f"{name}.txt").read_text(encoding="utf-8").replace("|", " ").replace("_", " ")
        for name in _NAMES
    )
    listed |= _NOR
    return listed | _words(to_devanagari(word) for word in listed)


def plain_words() -> list[str]:
    """The words, sorted."""
    said = Counter[str]()
    for phrase in all_phrases():
        spoken = _words(phrase.words)
        if phrase.writing == "hi":
            spoken |= _words(to_devanagari(word) for word in spoken)
        said.update(spoken)
    known = names() - NAMES_TOO
    return sorted(
        word
        for word, phrases in said.items()
        if phrases >= PHRASES and len(word) > 1 and word not in known and not _is_number(word)
    )


def _is_number(word: str) -> bool:
    return word not in _STILL_SAID and (word in AMBIGUOUS or look_up(word) is not None)


def page() -> str:
    """The file `nlu/plain_words.txt`."""
    return "\n".join(plain_words()) + "\n"
