"""What is said of a written reply: amounts in words, no marks and emoji, each word in the voice's letters."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from indic_numtowords import num2words

from munshi_inference.language.devanagari import to_devanagari
from munshi_inference.language.romanise import romanise
from munshi_inference.language.script import DEVANAGARI, clean

_NUMBER = r"\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MONEY = re.compile(rf"(?P<sign>₹|\bRs\.?|\bINR\b|रु\.?|රු\.?)\s*(?P<number>{_NUMBER})(?:/-)?", re.IGNORECASE)
_PLAIN = re.compile(rf"(?<![\w])(?:{_NUMBER})(?![\w])")
_LINK = re.compile(r"https?://\S+")
_MARKS = re.compile(r"[*_~`#|<>•·\[\]{}]+|\s[-–—]+\s")
_DEVANAGARI_WORD = re.compile(rf"{DEVANAGARI.pattern}+")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_BEFORE_MARK = re.compile(r"\s+([.,;:!?।])")
_LONGEST = 10**11
"""Digits in a row beyond that are no amount but an id, and are said one by one."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a language is spoken."""

    code: str
    """The voice's own name of the language."""
    number_language: str | None
    """Whose number words; `None` leaves figures to the voice."""
    rupees: str
    paise: str
    point: str
    letters: Callable[[str], str]
    """Puts words of other scripts into the voice's own."""


def _into_latin(text: str) -> str:
    return _DEVANAGARI_WORD.sub(lambda found: romanise(found.group()), text)


def _into_devanagari(text: str) -> str:
    return _LATIN_WORD.sub(lambda found: to_devanagari(found.group()), text)


def _as_it_is(text: str) -> str:
    return text


_HINDI = Voice("hi", "hi", "रुपये", "पैसे", "दशमलव", _into_devanagari)
VOICES: Mapping[str, Voice] = {
    "hi": _HINDI,
    "hi-Latn": _HINDI,
    "en": Voice("en-gb", "en", "rupees", "paise", "point", _into_latin),
    "si": Voice("si", None, "රුපියල්", "සත", "දශම", _as_it_is),
    "ta": Voice("ta", "ta", "ரூபாய்", "பைசா", "புள்ளி", _as_it_is),
}


def voice_of(language: str) -> Voice:
    """The voice for a BCP 47 tag; English where there is none."""
    return VOICES.get(language) or VOICES.get(language.split("-", 1)[0]) or VOICES["en"]


def spoken(text: str, voice: Voice) -> str:
    """The text as it is to be said.

    >>> spoken("Ramesh ka baaki: ₹1,500.50 ✅", voice_of("en"))
    'Ramesh ka baaki: one thousand five hundred rupees fifty paise'
    """
    said = _LINK.sub(" ", clean(text))
    said = _MONEY.sub(lambda found: f" {_money(found['number'], voice)} ", said)
    said = _PLAIN.sub(lambda found: _number(found.group(), voice), said)
    said = _MARKS.sub(
        " ", "".join(char for char in said if unicodedata.category(char) not in {"So", "Sk", "Co"})
    )
    said = voice.letters(said)
    lines = (_BEFORE_MARK.sub(r"\1", " ".join(line.split())) for line in said.splitlines())
    return "\n".join(line for line in lines if any(char.isalnum() for char in line))


def _money(written: str, voice: Voice) -> str:
    amount = Decimal(written.replace(",", ""))
    whole = int(amount)
    part = int((amount - whole) * 100)
    words = f"{_whole(whole, voice)} {voice.rupees}" if whole or not part else ""
    return f"{words} {_whole(part, voice)} {voice.paise}".strip() if part else words


def _number(written: str, voice: Voice) -> str:
    digits = written.replace(",", "")
    whole, _, part = digits.partition(".")
    if not part:
        return (
            _whole(int(whole), voice)
            if len(whole) < 2 or not whole.startswith("0")
            else _digits(whole, voice)
        )
    return f"{_whole(int(whole), voice)} {voice.point} {_digits(part, voice)}"


def _whole(number: int, voice: Voice) -> str:
    if voice.number_language is None:
        return str(number)
    if number >= _LONGEST:
        return _digits(str(number), voice)
    return str(num2words(number, lang=voice.number_language))


def _digits(digits: str, voice: Voice) -> str:
    return " ".join(_whole(int(digit), voice) for digit in digits)
