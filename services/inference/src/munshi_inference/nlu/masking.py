"""A text without what is anybody's: names, numbers, days and all words that not everybody uses.

What remains are words of a closed list (`plain_words.txt`, made by `make generate`), plain marks and
placeholders, which are slots of the phrase files: a masked text is a phrase that the generator can read. The
list decides, not the tagger: a name that nobody knows for one is masked as well.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from munshi_inference.language.number_words import AMBIGUOUS
from munshi_inference.nlu.assembly import Labelled
from munshi_inference.nlu.units import Unit

LONGEST = 300
"""Characters of a text; a longer one is no message about one thing, and is not masked at all."""
UNKNOWN = "{item}"
NAMES_TOO = frozenset({"diya", "de", "kar", "chadha", "mita", "more", "money", "दिया", "दे", "कर", "मिटा"})
"""Names of few that everybody says as words: kept, but not where a name would stand."""

_BY_LABEL = {"B-NAME": "{name}", "I-NAME": "{name}", "AMT": "{amt}", "RATE": "{rate}", "QTY": "{small}"}
_BY_KIND = {
    "number": "{num}",
    "day": "{day}",
    "period": "{period}",
    "phone": "{phone}",
    "time": "{time}",
    "invoice": "{inv}",
}
_MARKS = frozenset(".,?!:-")
_AFTER_A_NAME = frozenset({"ko", "ne", "ka", "ki", "ke", "se", "को", "ने", "का", "की", "के", "से"})
_IDENTIFIER = re.compile(
    r"\S*@\S*|\S*://\S*|www\.\S+|\S+\.(?:com|in|org|net)\b\S*|\S*[A-Za-z]+\d+[A-Za-z]\S*|\S*\d+[A-Za-z]+\d\S*"
)
"""E-mail and UPI addresses, links, and codes of letters and digits such as a GSTIN."""


@cache
def plain_words() -> frozenset[str]:
    """The closed list."""
    listed = (files("munshi_inference.nlu") / "plain_words.txt").read_text(encoding="utf-8")
    return frozenset(listed.split())


def mask(labelled: Labelled) -> str | None:
    """The masked text in lower case; `None` where nothing is left that says anything, or it is too long."""
    text = labelled.reading.text
    if len(text) > LONGEST:
        return None
    pieces = list(_collapsed(_pieces(labelled)))
    words = [piece for piece in pieces if piece[0] != "{" and piece not in _MARKS]
    if not words or sum(piece == UNKNOWN for piece in pieces) > len(words):
        return None
    return _joined(pieces)


def _pieces(labelled: Labelled) -> Iterator[str]:
    units, labels = labelled.reading.units, labelled.labels
    hidden = [match.span() for match in _IDENTIFIER.finditer(labelled.reading.text)]
    for i, (unit, label) in enumerate(zip(units, labels, strict=True)):
        if any(unit.start < end and unit.end > start for start, end in hidden):
            yield "{code}"
        elif label in _BY_LABEL:
            yield _BY_LABEL[label]
        elif unit.kind in _BY_KIND:
            yield _BY_KIND[unit.kind]
        elif unit.kind == "word":
            yield unit.text if _is_plain(labelled.reading.text, units, i) else UNKNOWN
        elif any(char.isnumeric() for char in unit.text):
            yield "{num}"
        elif unit.text in _MARKS:
            yield unit.text


def _is_plain(text: str, units: Sequence[Unit], i: int) -> bool:
    word = units[i]
    if word.text not in plain_words():
        return False
    raw = text[word.start : word.end]
    if raw[0].isupper() and not raw.isupper() and i > 0 and units[i - 1].text not in ".?!\n:":
        return False  # written like a name in the middle of a sentence
    following = units[i + 1] if i + 1 < len(units) else None
    if word.text in NAMES_TOO and following is not None and following.text in _AFTER_A_NAME:
        return False
    beside = [following, units[i - 1] if i else None]
    return word.text not in AMBIGUOUS or all(one is None or one.kind != "number" for one in beside)


def _collapsed(pieces: Iterator[str]) -> Iterator[str]:
    """Placeholders of one kind in a row as one: how many words a name has is nobody's business."""
    last = ""
    for piece in pieces:
        if piece != last or piece[0] != "{":
            yield piece
        last = piece


def _joined(pieces: Sequence[str]) -> str:
    text = " ".join(pieces)
    return re.sub(r" (?=[.,?!])", "", text)
