"""Reads of untrusted JSON that never raise: what is not of the expected kind is taken as absent."""

from datetime import UTC, datetime
from typing import Any

Raw = dict[str, Any]

_YEAR_9999 = 253_402_300_799


def obj(value: Any) -> Raw:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Raw]:
    """The objects of a list; anything else in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The string, or an empty one."""
    return value if isinstance(value, str) else ""


def word(value: Any) -> str | None:
    """A non-empty string, a number as its digits, else `None`: Meta sends ids as either."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def number(value: Any) -> float | None:
    """A number, also when written as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def integer(value: Any) -> int | None:
    """A whole number, also when written as a string of at most 18 digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit():
        return int(value)
    return None


def flag(value: Any) -> bool:
    """True only for JSON's `true`."""
    return value is True


def moment(value: Any) -> datetime | None:
    """Meta's time: seconds since 1970 as a string of digits or a number."""
    seconds = integer(value)
    if seconds is None or not 0 < seconds <= _YEAR_9999:
        return None
    return datetime.fromtimestamp(seconds, UTC)
