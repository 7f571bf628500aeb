"""Amounts: what the books can hold, and how people read them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

LARGEST = Decimal("9999999999.99")
"""NUMERIC(12,2) holds no more."""
_CENT = Decimal("0.01")

_SYMBOLS = {
    "INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "BDT": "৳", "THB": "฿", "SGD": "S$",
    "AUD": "A$", "CAD": "C$",
}  # fmt: skip
_LAKHS = frozenset({"INR", "NPR", "PKR", "BDT"})
"""Currencies whose users group by lakh and crore."""


class Trouble(Enum):
    """Why an amount cannot be booked."""

    ZERO = "zero"
    TOO_LARGE = "too_large"


def exact(amount: Decimal) -> Decimal | Trouble:
    """The amount to the paisa, or why it cannot be an entry. A negative one is as little an entry as zero."""
    if not amount.is_finite():
        return Trouble.TOO_LARGE
    if amount > LARGEST:
        return Trouble.TOO_LARGE
    rounded = amount.quantize(_CENT, rounding=ROUND_HALF_UP)
    if rounded > LARGEST:
        return Trouble.TOO_LARGE
    return rounded if rounded > 0 else Trouble.ZERO


def _grouped(digits: str, *, lakhs: bool) -> str:
    if not lakhs:
        return f"{int(digits):,}"
    head, tail = digits[:-3], digits[-3:]
    groups: list[str] = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*groups, tail])


def show(amount: Decimal, currency: str) -> str:
    """`₹1,25,000`, `₹99.50`, `$1,250`, `AED 40`; without its sign, which the words around it tell."""
    whole, _, cents = f"{abs(amount):.2f}".partition(".")
    figure = _grouped(whole, lakhs=currency in _LAKHS)
    if cents != "00":
        figure = f"{figure}.{cents}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{figure}" if symbol else f"{currency} {figure}"


def show_all(amounts: Mapping[str, Decimal]) -> str:
    """Several currencies side by side: `₹500 + $20`."""
    return " + ".join(show(amount, currency) for currency, amount in sorted(amounts.items()))
