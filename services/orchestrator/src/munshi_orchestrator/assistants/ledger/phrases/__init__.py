"""What the Ledger says, in three writings."""

from collections.abc import Mapping
from enum import Enum

from munshi.contracts.understanding import Category, Language, Script
from munshi_orchestrator.assistants.ledger.phrases import english, hindi, hinglish
from munshi_orchestrator.assistants.ledger.phrases.keys import Phrase

__all__ = ["CATALOGUE", "CATEGORY_NAME", "Phrase", "Voice", "Writing"]


class Writing(Enum):
    """A language in a script."""

    HINDI = "hi-Deva"
    HINGLISH = "hi-Latn"
    ENGLISH = "en"

    @classmethod
    def of(cls, language: Language) -> "Writing":
        """The writing in which a language is answered; what is not Hindi is answered in English."""
        if language.tag != "hi":
            return cls.ENGLISH
        return cls.HINDI if language.script is Script.DEVANAGARI else cls.HINGLISH


CATALOGUE: Mapping[Writing, Mapping[Phrase, str]] = {
    Writing.HINDI: hindi.PHRASES,
    Writing.HINGLISH: hinglish.PHRASES,
    Writing.ENGLISH: english.PHRASES,
}

CATEGORY_NAME: Mapping[Category, Phrase] = {
    Category.SALE: Phrase.SALE,
    Category.BUY: Phrase.BUY,
    Category.CREDIT: Phrase.CREDIT,
    Category.PAYMENT: Phrase.PAYMENT,
    Category.EXPENSE: Phrase.EXPENSE,
}


class Voice:
    """Says phrases in one writing."""

    __slots__ = ("_phrases", "writing")

    def __init__(self, writing: Writing) -> None:
        self.writing = writing
        self._phrases = CATALOGUE[writing]

    def say(self, phrase: Phrase, **values: object) -> str:
        """The phrase with its placeholders filled."""
        text = self._phrases[phrase]
        return text.format(**values) if values else text

    @property
    def tag(self) -> str:
        """The language as a BCP 47 tag: `hi` (in its own script), `hi-Latn`, `en`."""
        return "hi" if self.writing is Writing.HINDI else self.writing.value

    def category(self, category: Category) -> str:
        """The word for a category."""
        return self._phrases[CATEGORY_NAME[category]]
