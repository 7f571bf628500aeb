"""Letters as engines misread them, brought to one form before they are compared. Pure."""

import re
import unicodedata

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\ufeff"))
"""Joiners and marks of direction: Tesseract puts them where nobody wrote them."""

_DIGITS = {base + i: str(i) for base in (0x0966, 0x0DE6, 0x0BE6, 0xFF10) for i in range(10)}
"""Devanagari, Sinhala Lith, Tamil, full width."""

_MARKS = str.maketrans({"，": ",", "．": ".", "：": ":", "（": "(", "）": ")", "－": "-", "–": "-", "—": "-"})

_LOOK_LIKE_DIGITS = str.maketrans("OoQCIl|SB", "000011158")

_ALMOST_A_NUMBER = re.compile(r"^(?=(?:\D*\d){2})[\dOoQCIl|SB]+(?:[.,:/-][\dOoQCIl|SB]+)*$")


def plain(text: str) -> str:
    """NFC, without invisible letters, digits as 0-9, wide punctuation as ASCII."""
    return unicodedata.normalize("NFC", text.translate(INVISIBLE)).translate(_DIGITS).translate(_MARKS)


def digits(word: str) -> str:
    """A word that is almost a number, as the number: `4l1.OO` is `411.00`. Any other word as it is."""
    if not _ALMOST_A_NUMBER.match(word):
        return word
    figures = sum(c.isdigit() for c in word)
    letters = sum(c.isalpha() for c in word)
    return word.translate(_LOOK_LIKE_DIGITS) if figures >= letters - 1 else word


def key(text: str) -> str:
    """Letters only, lower case, no spaces: what labels are compared by. Vowel signs of Indic scripts stay."""
    lowered = plain(text).casefold()
    return "".join(c for c in lowered if c.isalpha() or unicodedata.category(c) in {"Mn", "Mc"})


def is_devanagari(character: str) -> bool:
    """Whether it is a letter of Hindi, Marathi or Nepali."""
    return "\u0900" <= character <= "\u0963" or "\u0970" <= character <= "\u097f"


def is_sinhala(character: str) -> bool:
    """Whether it is a letter of Sinhala."""
    return "\u0d80" <= character <= "\u0dff"
