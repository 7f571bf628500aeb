"""Words, numbers and marks of a text, with their offsets."""

import re
from typing import NamedTuple

from munshi_inference.language.remembered import Remembered
from munshi_inference.language.romanise import key
from munshi_inference.language.script import fold

_LETTER = r"a-z\u00c0-\u024f\u0900-\u0963\u0970-\u097f"
_NUMBER = rf"\d+o[o\d]*(?![{_LETTER}\d]) | \d+(?:,\d+)*(?:\.\d+)? | (?<![{_LETTER}\d])\.\d+(?!,)"
_WORD = rf"[{_LETTER}]+(?:'[{_LETTER}]{{2,}})* | [^\W\d_]+"
_MARK = r"'s\b | /- | /= | \n(?=[ \t]*\S) | \S"
_TOKEN = re.compile(rf"( {_NUMBER} | {_WORD} | {_MARK} )", re.VERBOSE)
_KIND = re.compile(rf"(?P<number>{_NUMBER}) | (?P<word>{_WORD})", re.VERBOSE)


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
    end = 0
    pieces = iter(_TOKEN.split(folded))
    for gap, piece in zip(pieces, pieces, strict=False):  # after the last gap there is no token
        start = end + len(gap)
        end = start + len(piece)
        text, name, kind = _named[piece]
        tokens.append(_new(Token, (text, name, kind, start, end)))
    return tokens


_new = tuple.__new__
"""Half the price of calling the class."""


def _name(text: str) -> tuple[str, str, str]:
    """Text, key and kind. A text that was seen before is the object from then, whose hash is known."""
    match = _KIND.fullmatch(text)
    kind = match.lastgroup if match else None
    return text, key(text) if kind == "word" else text, kind or "mark"


_named = Remembered(_name)
