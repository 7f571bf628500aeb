"""Scripts and digits: which writing a text is in, and digits of any script as 0-9."""

import re

from munshi.contracts.understanding import Script

DEVANAGARI = re.compile(r"[\u0900-\u097F]")
_LATIN = re.compile(r"[A-Za-z\u00C0-\u024F]")
_JOINERS = {0x200B: None, 0x200C: None, 0x200D: None, 0xFEFF: None, 0x00AD: None}
_INDIC_ZEROS = (
    0x0966,
    0x09E6,
    0x0A66,
    0x0AE6,
    0x0B66,
    0x0BE6,
    0x0C66,
    0x0CE6,
    0x0D66,
    0x06F0,
    0x0660,
    0xFF10,
)
_DIGITS = {zero + i: str(i) for zero in _INDIC_ZEROS for i in range(10)}
_PUNCTUATION = {
    0x0964: ".",
    0x0965: ".",
    0x2018: "'",
    0x2019: "'",
    0x201C: '"',
    0x201D: '"',
    0x2013: "-",
    0x2014: "-",
    0x2212: "-",
    0x00A0: " ",
    0x202F: " ",
    0x2009: " ",
}
_SAME_LENGTH = {**_DIGITS, **_PUNCTUATION, **dict.fromkeys(_JOINERS, " ")}


def is_devanagari(text: str) -> bool:
    """Whether any character is of the Devanagari block."""
    return DEVANAGARI.search(text) is not None


def script_of(text: str) -> Script:
    """The script that most letters of the text are in; Latin when it has no letters."""
    if text.isascii():
        return Script.LATIN
    deva = len(DEVANAGARI.findall(text))
    return Script.DEVANAGARI if deva and deva >= len(_LATIN.findall(text)) else Script.LATIN


def fold(text: str) -> str:
    """Lower case, digits of every script as 0-9, dandas and typographic marks as plain ones.

    The result has exactly the length of `text`, so offsets into one hold for the other.
    """
    if text.isascii():
        return text.lower()
    folded = text.translate(_SAME_LENGTH)
    lowered = folded.lower()
    if len(lowered) == len(folded):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in folded)


def clean(text: str) -> str:
    """The text without zero-width marks; what people see."""
    return text.translate(_JOINERS)
