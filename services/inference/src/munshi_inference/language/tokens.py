"""Words, numbers and marks of a text, with their offsets."""

import re
from functools import lru_cache
from typing import NamedTuple

from munshi_inference.language.romanise import key
from munshi_inference.language.script import fold

_LETTER = r"a-z\u00c0-\u024f\u0900-\u0963\u0970-\u097f"
_TOKEN = re.compile(
    rf"""
      (?P<number>\d+o[o\d]*(?![{_LETTER}\d]) | \d+(?:,\d+)*(?:\.\d+)? | (?<![{_LETTER}\d])\.\d+(?!,))
    | (?P<word>[{_LETTER}]+(?:'[{_LETTER}]{{2,}})* | [^\W\d_]+)
    | (?P<mark>'s\b | /- | /= | \n(?=[ \t]*\S) | \S)
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """One token: folded text, its key, and where it stands (`start`, `end` into the original text)."""

    text: str
    key: str
    kind: str
    """`number`, `word` or `mark`."""
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        """Whether it is made of letters."""
        return self.kind == "word"


def tokenise(text: str) -> list[Token]:
    """Splits a text. "500rs" is two tokens, "1,25,000" one, "Ramesh's" two; the end of a line is
    a mark."""
    return tokenise_folded(fold(text))


def tokenise_folded(folded: str) -> list[Token]:
    """The same for a text that `fold` has seen."""
    tokens = []
    for match in _TOKEN.finditer(folded):
        text, name, kind = _named(match.group(), match.lastgroup or "mark")
        tokens.append(Token(text, name, kind, *match.span()))
    return tokens


@lru_cache(maxsize=16384)
def _named(text: str, kind: str) -> tuple[str, str, str]:
    """Text, key and kind. A text that was seen before is the object from then, whose hash is known."""
    return text, key(text) if kind == "word" else text, kind
