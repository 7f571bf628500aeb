"""Words, numbers and marks of a text, with their offsets."""

import re
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
    folded = fold(text)
    tokens = []
    for match in _TOKEN.finditer(folded):
        kind = match.lastgroup or "mark"
        word = match.group()
        tokens.append(Token(word, key(word) if kind == "word" else word, kind, match.start(), match.end()))
    return tokens
