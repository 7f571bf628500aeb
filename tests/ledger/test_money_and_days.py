"""How amounts and days are shown, and which amounts the books take."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_orchestrator.assistants.ledger.days import period_of, show_day, show_period
from munshi_orchestrator.assistants.ledger.money import LARGEST, Trouble, exact, show
from munshi_orchestrator.assistants.ledger.phrases import Voice, Writing

TODAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("500", "INR", "₹500"), ("1500", "INR", "₹1,500"), ("125000", "INR", "₹1,25,000"),
        ("99.5", "INR", "₹99.50"),
        ("12345678.05", "INR", "₹1,23,45,678.05"), ("9999999999.99", "INR", "₹9,99,99,99,999.99"),
        ("0", "INR", "₹0"),
        ("-200", "INR", "₹200"), ("1250000", "USD", "$1,250,000"), ("1250", "AED", "AED 1,250"),
        ("0.05", "EUR", "€0.05"),
    ],
)  # fmt: skip
def test_amounts_as_people_read_them(amount: str, currency: str, shown: str) -> None:
    assert show(Decimal(amount), currency) == shown


@given(st.decimals(min_value=0, max_value=LARGEST, places=2))
def test_grouping_loses_no_digit(amount: Decimal) -> None:
    assert Decimal(show(amount, "INR").removeprefix("₹").replace(",", "")) == amount


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("500", Decimal("500.00")), ("0.005", Decimal("0.01")), ("0.004", Trouble.ZERO),
        ("0", Trouble.ZERO),
        ("-5", Trouble.ZERO), ("9999999999.99", LARGEST), ("9999999999.994", Trouble.TOO_LARGE),
        ("10000000000", Trouble.TOO_LARGE), ("1E+40", Trouble.TOO_LARGE), ("NaN", Trouble.TOO_LARGE),
        ("Infinity", Trouble.TOO_LARGE),
    ],
)  # fmt: skip
def test_amounts_that_the_books_take(given: str, taken: Decimal | Trouble) -> None:
    assert exact(Decimal(given)) == taken


@pytest.mark.parametrize(
    ("day", "writing", "shown"),
    [
        (TODAY, Writing.HINGLISH, "aaj"), (date(2026, 11, 17), Writing.HINDI, "कल"),
        (date(2026, 11, 17), Writing.ENGLISH, "yesterday"),
        (date(2026, 11, 19), Writing.HINGLISH, "19 Nov"),
        (date(2026, 1, 5), Writing.HINDI, "5 जनवरी"),
        (date(2025, 12, 31), Writing.ENGLISH, "31 Dec 2025"),
    ],
)  # fmt: skip
def test_days_as_people_say_them(day: date, writing: Writing, shown: str) -> None:
    assert show_day(day, TODAY, Voice(writing)) == shown


def test_periods() -> None:
    hinglish = Voice(Writing.HINGLISH)
    assert show_period(date(2026, 11, 1), date(2026, 11, 15), TODAY, hinglish) == "1 Nov se 15 Nov tak"
    assert show_period(TODAY, TODAY, TODAY, hinglish) == "Aaj, 18 Nov"
    assert show_period(date(2026, 3, 2), date(2026, 3, 2), TODAY, hinglish) == "2 March"


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11-01/2026-11-15", (date(2026, 11, 1), date(2026, 11, 15))),
        ("2026-11-01", (date(2026, 11, 1),) * 2),
        ("2026-11-15/2026-11-01", (date(2026, 11, 1), date(2026, 11, 15))), ("soon", None),
        ("", None), (None, None),
        ("2026-13-01", None), ("2026-11-01/", (date(2026, 11, 1),) * 2),
    ],
)  # fmt: skip
def test_periods_as_the_engine_writes_them(text: str | None, days: tuple[date, date] | None) -> None:
    assert period_of(text) == days
