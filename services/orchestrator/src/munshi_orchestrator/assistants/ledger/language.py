"""In which language and script a message is answered."""

import re

from munshi.contracts.assistant import TurnInput
from munshi.contracts.understanding import Language, Script
from munshi_orchestrator.assistants.ledger import lexicon, words

SURE_FROM = 0.75
"""Below this confidence a short or mixed text says too little, and the conversation's language is kept."""
SURE_SHORT = 0.95
"""The same for one or two words, which languages share ("aur kal?")."""
SURE_FIRST = 0.6
"""The same where there is no conversation yet."""

_DEVANAGARI = re.compile(r"[\u0904-\u0939\u0958-\u0961]")
_LATIN = re.compile(r"[A-Za-z]{2}")
_ANSWERED = ("hi", "en")


def first_of(given: TurnInput, script: Script | None) -> Language:
    """The tenant's first language that the Ledger speaks, in the script of the message where it has one."""
    for tag in given.spec.languages:
        primary, _, rest = tag.partition("-")
        if primary == "en":
            return Language(tag="en", script=Script.LATIN)
        if primary == "hi":
            written = Script.LATIN if "Latn" in rest else Script.DEVANAGARI
            return Language(tag="hi", script=script or written)
    return Language(tag="en", script=Script.LATIN)


def _enough(current: Language | None, text: str) -> float:
    if current is None:
        return SURE_FIRST
    return SURE_SHORT if words.word_count(text) <= 2 else SURE_FROM


def choose(given: TurnInput, current: Language | None, heard: Language, text: str) -> Language:
    """The language of the answer to `text`, which was heard as `heard`."""
    if _DEVANAGARI.search(text):
        return Language(tag="hi", script=Script.DEVANAGARI, confidence=max(heard.confidence, SURE_FROM))
    latin = _LATIN.search(text) is not None
    if current is not None and lexicon.NEUTRAL.issuperset(words.plain(text).split()):
        return current
    if latin and heard.confidence >= _enough(current, text) and heard.tag in _ANSWERED:
        return Language(tag=heard.tag, script=Script.LATIN, confidence=heard.confidence)
    if current is not None:
        return current
    return first_of(given, Script.LATIN if latin else None)
