"""GSTINs: fifteen characters with a checksum, read through an engine's mistakes. Pure.

Form: two digits of the state, a PAN (five letters, four digits, a letter), an entity (1-9, A-Z), `Z`, a check
character in base 36 (rule 10 of the CGST Rules; the same scheme as Luhn's, mod 36).
"""

import re

from munshi_inference.documents.letters import plain

_BASE = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM = "ddLLLLLddddLaZa"
_TO_DIGIT = dict(zip("OQDILZSBGTA", "00011258674", strict=True))
_TO_LETTER = dict(zip("01258647", "OIZSBGAT", strict=True))
_LAST_CHOICES = dict(zip("O0I1S5Z2B8", "0O1I5S2Z8B", strict=True))
_RUN = re.compile(r"[0-9A-Z](?:[ .\-]?[0-9A-Z]){14,}")


def check_character(first: str) -> str:
    """The fifteenth character for the first fourteen."""
    total = 0
    for place, character in enumerate(first):
        product = _BASE.index(character) * (1 + place % 2)
        total += product // 36 + product % 36
    return _BASE[-total % 36]


def is_valid(text: str) -> bool:
    """Whether it has the form, a state's number and the right check character."""
    if not re.fullmatch(r"\d\d[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", text):
        return False
    return 1 <= int(text[:2]) <= 99 and check_character(text[:14]) == text[14]


def _mended(window: str) -> str | None:
    """Fifteen characters brought to the form by swapping look-alikes; `None` where they cannot be."""
    out = []
    for character, wanted in zip(window, _FORM, strict=True):
        if wanted == "d" and not character.isdigit():
            swapped = _TO_DIGIT.get(character)
        elif wanted == "L" and not character.isalpha():
            swapped = _TO_LETTER.get(character)
        elif wanted == "Z":
            swapped = "Z" if character in "Z27" else None
        else:
            swapped = character
        if swapped is None:
            return None
        out.append(swapped)
    return "".join(out)


def _variants(number: str) -> list[str]:
    """The number, and with the two free characters and letters of the PAN read the other way."""
    found = [number]
    for place in (14, 12):
        if (other := _LAST_CHOICES.get(number[place])) is not None:
            found += [n[:place] + other + n[place + 1 :] for n in list(found)]
    return found


def find(text: str) -> tuple[str | None, bool]:
    """The first valid GSTIN of a row, and whether something in it looks like one with a wrong checksum."""
    upper = plain(text).upper()
    seen = False
    for run in _RUN.finditer(upper):
        squeezed = re.sub(r"[ .\-]", "", run[0])
        for start in range(len(squeezed) - 14):
            number = _mended(squeezed[start : start + 15])
            if number is None:
                continue
            for variant in _variants(number):
                if is_valid(variant):
                    return variant, False
            seen = seen or _same_but_for_look_alikes(squeezed[start : start + 15], number)
    return None, seen


def _same_but_for_look_alikes(window: str, number: str) -> bool:
    return sum(a != b for a, b in zip(window, number, strict=True)) <= 2
