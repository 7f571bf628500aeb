"""What a message says by closed lists of words, whatever the model thinks: yes, no, leave it, his."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from munshi.contracts.understanding import Category, Intent
from munshi_orchestrator.assistants.ledger import lexicon


def clean(text: str, longest: int) -> str:
    """The text without control characters (a database would refuse NUL), trimmed and cut to a length."""
    composed = unicodedata.normalize("NFC", lexicon.CONTROL.sub(" ", text))
    return " ".join(composed.encode("utf-8", "ignore").decode().split())[:longest].strip()


@lru_cache(maxsize=64)
def plain(text: str) -> str:
    """Small letters without punctuation, for whole-message comparison. A turn asks for one text often."""
    folded = (
        unicodedata.normalize("NFC", text).casefold().replace("\ufe0f", "").replace("'", "").replace("’", "")
    )
    return " ".join(re.sub(r"[^\w\u0900-\u097f👍✅👌👎❌🙏🏻🏼🏽🏾🏿]+", " ", folded).split())


def _only(text: str, first: frozenset[str], more: frozenset[str]) -> bool:
    words = re.sub(r"[🏻🏼🏽🏾🏿]", "", plain(text)).split()
    return bool(words) and len(words) <= 4 and words[0] in first and all(w in first | more for w in words)


def is_yes(text: str) -> bool:
    """Whether the whole message says yes."""
    return _only(text, lexicon.YES, lexicon.YES_MORE)


def is_no(text: str) -> bool:
    """Whether the whole message says no, and nothing else ("nahi, 600 tha" says more)."""
    return _only(text, lexicon.NO, lexicon.NO_MORE)


def is_drop(text: str) -> bool:
    """Whether the whole message says to leave it."""
    return lexicon.DROP.match(plain(text)) is not None


def is_thanks(text: str) -> bool:
    """Whether the whole message is a thank-you."""
    return lexicon.THANKS.match(plain(text)) is not None


def says_new(text: str) -> bool:
    """Whether a name is said to be another one than the one known."""
    return lexicon.NEW.search(plain(text)) is not None


@dataclass(frozen=True, slots=True)
class VoiceWish:
    """Spoken replies from now on, or written ones."""

    on: bool
    whole: bool
    """Whether the message says nothing else."""


def voice_wish(text: str) -> VoiceWish | None:
    """The wish for spoken or written replies, alone or with a question ("Ramesh ka balance bolkar batao")."""
    said = plain(text)
    if lexicon.VOICE.isdisjoint(said.split()):
        return None
    for pattern, on in ((lexicon.WRITE, False), (lexicon.SPEAK, True)):
        found = pattern.search(said)
        if found is not None:
            rest = (said[: found.start()] + said[found.end() :]).split()
            return VoiceWish(on, whole=len(rest) <= 2 and lexicon.WISHING.issuperset(rest))
    return None


def has_pronoun(text: str) -> bool:
    """Whether somebody spoken of before is meant."""
    return not lexicon.PRONOUNS.isdisjoint(plain(text).split())


def with_name(text: str, name: str) -> str:
    """The text with the name in place of its pronouns: "usne 100 diye" is "Ramesh ne 100 diye"."""
    return " ".join(_spelt_out(word, name) for word in text.split())


def _spelt_out(word: str, name: str) -> str:
    bare = plain(word)
    for particle, pronouns in lexicon.SPOKEN_OF.items():
        if bare in pronouns:
            if particle in ("", "'s"):
                return f"{name}{particle}"
            hindi = "\u0900" <= bare[0] <= "\u097f"
            return f"{name} {lexicon.SPOKEN_OF_DEVANAGARI[particle] if hindi else particle}"
    return word


def is_pronoun(name: str) -> bool:
    """Whether what was taken for a name is no name."""
    return plain(name) in lexicon.PRONOUNS


def speaks_of_past(text: str) -> bool:
    """Whether the message ends with "was": "kal ka tha"."""
    return not lexicon.PAST.isdisjoint(plain(text).split()[-2:] or [""]) or plain(text).startswith("it was")


def word_count(text: str) -> int:
    """Number of words."""
    return len(plain(text).split())


def bare_name(text: str) -> str:
    """A short answer to "kiske naam?" without its particles: "Ramesh ke naam" is Ramesh. May be empty."""
    words = re.sub(r"[^\w\u0900-\u097f .'-]+", " ", unicodedata.normalize("NFC", text)).split()
    while words and words[-1].casefold().strip(".") in lexicon.PARTICLES:
        words.pop()
    while words and words[0].casefold().strip(".") in lexicon.PARTICLES:
        words.pop(0)
    if not words or len(words) > 4 or any(word.strip(".-").isdigit() for word in words):
        return ""
    return " ".join(words)


def category_of(text: str) -> Category | None:
    """The category that words of the text name; `None` where none or several do."""
    return _one_category(frozenset(plain(text).split()))


def tells_of_entry(text: str) -> bool:
    """Whether the text is no question and tells of something given, taken or to be noted."""
    if asks_something(text) or category_of(text) is None:
        return False
    return not lexicon.GIVING.isdisjoint(plain(text).split())


def begins_with_no(text: str) -> bool:
    """Whether the first word is a no."""
    return plain(text).split(" ", 1)[0] in lexicon.NO


def category_asked_for(text: str) -> Category | None:
    """The one category whose total is asked for."""
    return _one_category(frozenset(plain(text).split()) - lexicon.OF_SEVERAL)


def _one_category(words: frozenset[str]) -> Category | None:
    found = [category for category, named in lexicon.CATEGORY_WORDS.items() if not named.isdisjoint(words)]
    return found[0] if len(found) == 1 else None


def command(text: str) -> Intent | None:
    """Undo or help, where the whole message is nothing else."""
    whole = plain(text)
    return next((intent for intent, said in lexicon.COMMANDS.items() if whole in said), None)


def swapped(text: str) -> tuple[str, str] | None:
    """The two sides of "Suresh nahi Mahesh" or "Mahesh, not Suresh". Only the entry tells which is right."""
    found = lexicon.SWAP.match(
        " ".join(re.sub(r"[^\w\u0900-\u097f]+", " ", unicodedata.normalize("NFC", text)).split())
    )
    if found is None:
        return None
    other = re.sub(r" (?:tha|thi|the|hai|था|थी|थे|है)$", "", found["other"])
    return found["one"], other


def asks_balance(text: str) -> bool:
    """Whether words of a balance are in the text."""
    return not lexicon.BALANCE_WORDS.isdisjoint(plain(text).split())


def speaks_of_day(text: str) -> bool:
    """Whether today or yesterday is named."""
    return days_back(text) is not None


def days_back(text: str) -> int | None:
    """How many days before today a message means, for the words that stand alone ("and yesterday?")."""
    said = plain(text)
    if lexicon.TODAY.search(said):
        return 0
    found = lexicon.YESTERDAY.search(said)
    if found is None:
        return None
    return 2 if found[0] in {"day before", "parso", "parson", "परसों"} else 1


def asks_something(text: str) -> bool:
    """Whether the message is a question."""
    return "?" in text or not lexicon.QUESTIONS.isdisjoint(plain(text).split())
