"""Amounts of money in what an engine read. Pure.

Every engine misreads the rupee sign, mostly as a digit glued to the amount (`₹431.56` as `2431.56`): such an
amount carries the reading without its first digit as an alternative, and sums decide between the two.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from munshi_inference.documents.letters import digits, plain

LARGEST = Decimal("9999999999.99")
"""What the books can hold."""

RUPEE_LIKE = "2735814"
"""Digits that engines take a rupee sign for, most often first."""

RS_LIKE = ("25", "35", "39", "23", "85")
"""What engines take `Rs` for: seldom, so only sums can say that they did."""

_MARK = r"(?:₹|`|rs\.?|inr|रु\.?|रू\.?|रुपये|रुपए|lkr|රු\.?|\$|€|£|usd|eur)"
_GLUED = r"[FfZzRtTheEXxK=?¥<{%€&*>~]"
"""What else a rupee sign is read as, right before a figure."""

_AMOUNT = re.compile(
    rf"(?<![\w.,])(?<!\d[/:-])(?:(?P<mark>{_MARK})\s*[:.]?\s*|(?P<glued>{_GLUED})\s?)?"
    r"(?P<minus>-)?"
    r"(?P<number>\d{1,3}(?:,\d{2,3})+(?:\.\d{1,2})?|\d+(?:[.,]\d{1,3})*)"
    r"(?P<end>\s?/-|/=|\.-)?(?!\w|[.,]\d|[/:-]\d|\s?%)",
    re.IGNORECASE,
)
_BROKEN_POINT = re.compile(r"(?<=\d)\s*([.,])\s+(?=\d\d(?:\D|$))|(?<=\d)\s+([.,])\s*(?=\d\d(?:\D|$))")
_BROKEN_GROUP = re.compile(r"(?<=\d)(?:,\s+|\s+,\s*)(?=\d{2,3}(?:[,.]\d|\s|$))")
_SIGN_AND_POINT = re.compile(r"^(\d{1,3})\.(?P<rest>(?P<month>\d{1,2})\.\d\d)$")
"""`Rs.85.00` as `5.85.00`: figures before a point that groups no thousands. A day looks alike."""
_MONTHS = 12
_TWO_POINTS = re.compile(r"(?<=\d)[.,]{2}(?=\d\d(?!\d))")


_LEADING_POINT = re.compile(r"^[.,:;](?=\d{3}|\d+[.,]\d)")
"""What is left of `Rs.` or of a colon."""
_MISREAD_SIGN = re.compile(
    r"[\u3040-\u9fff\uac00-\ud7af]+\s?(?=\d)|(?<!\S)(?:[^\W\d]|\d{1,2})\.(?=\d{1,3},\d{2,3}(?:,\d{2,3})*\.\d\d(?!\d))|"
    r"(?<!\S)\d{1,2}\.(?=\d{4,7}\.\d\d(?!\d))"
)
"""A currency's sign as engines misread it: a Chinese letter before a figure; a letter or two digits and a
point before a figure that has its own."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure that may be money."""

    value: Decimal
    start: int
    end: int
    """Its place in the text."""
    marked: bool = False
    """With a currency's sign, or `/-`."""
    paise: bool = False
    """Written with two decimals."""
    without_first: Decimal | None = None
    """The value if its first digit was a rupee sign; `None` where it cannot have been."""
    without_two: Decimal | None = None
    """The value if its first two digits were `Rs`; `None` where they cannot have been."""

    @property
    def readings(self) -> tuple[Decimal, ...]:
        """All values that it may be, likeliest first."""
        others = (self.without_first, self.without_two)
        return (self.value, *(value for value in others if value is not None))


def _value(number: str) -> tuple[Decimal, bool] | None:
    """A figure's value and whether it has decimals; the last mark before two digits is the decimal point."""
    parts = re.split(r"[.,]", number)
    marks = [c for c in number if c in ".,"]
    if not marks:
        return Decimal(number), False
    tail = parts[-1]
    if len(tail) == 2 or (marks[-1] == "." and len(tail) == 1):
        return Decimal("".join(parts[:-1]) + "." + tail), True
    if len(tail) == 3 and len(marks) == 1 and marks[-1] == "." and len(parts[0]) <= 3:
        return Decimal(parts[0] + "." + tail), True  # a weight: 1.250 kg
    if len(tail) == 3:
        return Decimal("".join(parts)), False
    return None


def clean(text: str) -> str:
    """The text with digits as 0-9, misread digits mended and points joined to their figures. Its length may
    differ; `find` gives places in it."""
    text = _MISREAD_SIGN.sub("Rs.", plain(text))
    text = _TWO_POINTS.sub(".", text)
    words = [_LEADING_POINT.sub("", digits(word)) for word in text.split(" ")]
    return _BROKEN_GROUP.sub(",", _BROKEN_POINT.sub(".", " ".join(words)))


def _shorter(number: str, left_out: int) -> Decimal | None:
    """The value of a figure without so many digits at its beginning; `None` where no amount is left."""
    rest = number[left_out:].lstrip(".,")
    if not rest[:1].isdigit() or rest[0] == "0":
        return None
    again = _value(rest)
    return again[0] if again and again[0] > 0 else None


def find(text: str) -> list[Amount]:
    """Figures of a row, left to right, of a text that went through `clean`."""
    found = []
    for match in _AMOUNT.finditer(text):
        number, start = match["number"], match.start("number")
        signed = _SIGN_AND_POINT.match(number)
        if signed and int(signed["month"]) > _MONTHS:
            number, start = signed["rest"], start + signed.start("rest")
        parsed = _value(number)
        if parsed is None or match["minus"] or parsed[0] > LARGEST:
            continue
        value, paise = parsed
        marked = bool(match["mark"] or match["glued"] or match["end"])
        bare = number.lstrip("0")
        shorter = shortest = None
        if not (match["mark"] or match["glued"]) and len(bare) >= 3 and bare[0] in RUPEE_LIKE:
            shorter = _shorter(bare, 1)
            shortest = _shorter(bare, 2) if paise and bare.startswith(RS_LIKE) and len(bare) > 5 else None
        found.append(Amount(value, start, match.end("number"), marked, paise, shorter, shortest))
    return found
