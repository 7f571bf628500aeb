"""Personal data out of a prompt, and back into the answer. Pure.

Found are phone numbers, addresses of mail and payment, cards, and the ids of India and Sri Lanka: GSTIN, PAN,
Aadhaar, IFSC, NIC. Where an amount could look like an id, a checksum decides.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import phonenumbers

_Found = tuple[int, int, str]
"""Start, end, kind."""

_D = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_P = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdecimal()]


def verhoeff_holds(number: str) -> bool:
    """The checksum of Aadhaar."""
    check = 0
    for place, digit in enumerate(reversed(_digits(number))):
        check = _D[check][_P[place % 8][digit]]
    return check == 0


def luhn_holds(number: str) -> bool:
    """The checksum of cards."""
    digits = _digits(number)[::-1]
    doubled = (2 * digit if place % 2 else digit for place, digit in enumerate(digits))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _always(_: str) -> bool:
    return True


_PATTERNS: Sequence[tuple[str, re.Pattern[str], Callable[[str], bool]]] = (
    ("email", re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), _always),
    ("upi", re.compile(r"\b[\w.-]{2,}@[a-zA-Z]{2,}\b(?!\.)"), _always),
    ("gstin", re.compile(r"\b[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z]\b", re.IGNORECASE), _always),
    ("pan", re.compile(r"\b[A-Z]{3}[ABCFGHLJPTK][A-Z][0-9]{4}[A-Z]\b", re.IGNORECASE), _always),
    ("ifsc", re.compile(r"\b[A-Z]{4}0[A-Z0-9]{6}\b"), _always),
    ("aadhaar", re.compile(r"\b[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"), verhoeff_holds),
    ("card", re.compile(r"\b[0-9](?:[ -]?[0-9]){12,18}\b"), luhn_holds),
    ("nic", re.compile(r"\b(?:[0-9]{9}[VvXx]|(?:19|20)[0-9]{10})\b"), _always),
)


def _numbers(text: str, region: str) -> Iterator[_Found]:
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        yield match.start, match.end, "phone"


def _ids(text: str) -> Iterator[_Found]:
    for kind, pattern, holds in _PATTERNS:
        for match in pattern.finditer(text):
            if holds(match.group()):
                yield match.start(), match.end(), kind


def _named(text: str, names: Iterable[str]) -> Iterator[_Found]:
    for name in names:
        if len(name.strip()) > 1:
            for match in re.finditer(rf"(?<!\w){re.escape(name.strip())}(?!\w)", text, re.IGNORECASE):
                yield match.start(), match.end(), "name"


class Mask:
    """One mask for all texts of a prompt: the same thing gets the same placeholder everywhere."""

    def __init__(self, region: str = "IN", names: Sequence[str] = ()) -> None:
        self._region = region
        self._names = names
        self._placeholders: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """The text with placeholders such as `<phone_1>`."""
        found = [*_ids(text), *_numbers(text, self._region), *_named(text, self._names)]
        parts, at = [], 0
        for start, end, kind in sorted(found, key=lambda one: (one[0], -one[1])):
            if start < at:
                continue  # within what is hidden already
            parts += [text[at:start], self._placeholder(kind, text[start:end])]
            at = end
        return "".join([*parts, text[at:]])

    def show(self, text: str) -> str:
        """The text with what was hidden in its place again."""
        return re.sub(
            r"<[a-z]+_[0-9]+>", lambda found: self._originals.get(found.group(), found.group()), text
        )

    def _placeholder(self, kind: str, original: str) -> str:
        key = (kind, original.casefold())
        if key not in self._placeholders:
            number = 1 + sum(known == kind for known, _ in self._placeholders)
            placeholder = f"<{kind}_{number}>"
            self._placeholders[key] = placeholder
            self._originals[placeholder] = original
        return self._placeholders[key]
