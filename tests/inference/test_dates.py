"""Days and periods as people say them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_inference.language.dates import find_dates
from munshi_inference.language.tokens import tokenise

SATURDAY = date(2026, 11, 21)


def said(text: str, today: date = SATURDAY) -> list[str]:
    return [span.iso for span in find_dates(tokenise(text), today)]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("aaj kitni bikri hui", "2026-11-21"),
        ("कल रमेश को 500 दिए", "2026-11-20"),
        ("kal Ramesh ko 500 diye", "2026-11-20"),
        ("kal Ramesh 500 dega", "2026-11-22"),
        ("parso maal aaya", "2026-11-19"),
        ("parso tak de dunga", "2026-11-23"),
        ("day before yesterday", "2026-11-19"),
        ("somvar ko", "2026-11-16"),
        ("last saturday", "2026-11-14"),
        ("saturday", "2026-11-21"),
        ("3 din pehle", "2026-11-18"),
        ("a week ago", "2026-11-14"),
        ("do hafte pehle", "2026-11-07"),
        ("12 tarikh ko", "2026-11-12"),
        ("25 tarikh", "2026-10-25"),
        ("on the 5th", "2026-11-05"),
        ("5 nov ko", "2026-11-05"),
        ("nov 5", "2026-11-05"),
        ("५ नवंबर", "2026-11-05"),
        ("5th of December", "2025-12-05"),
        ("12/11/2026", "2026-11-12"),
        ("12-11-26", "2026-11-12"),
        ("2026-11-12", "2026-11-12"),
        ("12/11", "2026-11-12"),
    ],
)
def test_reads_a_day(text: str, iso: str) -> None:
    assert said(text) == [iso]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("is hafte ka total", "2026-11-16/2026-11-21"),
        ("total for the month of April", "2026-04-01/2026-04-30"),
        ("इस हफ्ते की बिक्री", "2026-11-16/2026-11-21"),
        ("last week", "2026-11-09/2026-11-15"),
        ("is mahine", "2026-11-01/2026-11-21"),
        ("pichhle mahine", "2026-10-01/2026-10-31"),
        ("pichle saal", "2025-01-01/2025-12-31"),
        ("last 7 days", "2026-11-15/2026-11-21"),
        ("pichhle do hafte", "2026-11-08/2026-11-21"),
        ("1 se 15 tarikh", "2026-11-01/2026-11-15"),
        ("1 tarikh se 15 tarikh tak", "2026-11-01/2026-11-15"),
        ("१ से १५ तारीख", "2026-11-01/2026-11-15"),
        ("1 se 25 tarikh tak", "2026-10-01/2026-10-25"),
        ("1 nov se 10 nov", "2026-11-01/2026-11-10"),
        ("between 1 and 10 november", "2026-11-01/2026-11-10"),
        ("monday se aaj tak", "2026-11-16/2026-11-21"),
        ("since monday", "2026-11-16/2026-11-21"),
        ("november ka hisaab", "2026-11-01/2026-11-21"),
        ("december", "2025-12-01/2025-12-31"),
        ("jan se march tak", "2026-01-01/2026-03-31"),
        ("pichle saal november", "2025-11-01/2025-11-30"),
        ("mahine ka total", "2026-11-01/2026-11-21"),
        ("weekly report", "2026-11-16/2026-11-21"),
        ("month to date", "2026-11-01/2026-11-21"),
    ],
)
def test_reads_a_period(text: str, iso: str) -> None:
    assert said(text) == [iso]


@pytest.mark.parametrize(
    "text", ["this is 500", "may I know", "500 tak", "Ramesh se 500 liye", "3 kg", "1 se 15 log"]
)
def test_finds_no_day_where_none_is(text: str) -> None:
    assert said(text) == []


def test_a_monday_is_its_own_week() -> None:
    assert said("is hafte", date(2026, 11, 16)) == ["2026-11-16/2026-11-16"]


@pytest.mark.parametrize(
    ("today", "iso"),
    [(date(2026, 1, 2), "2025-12-31"), (date(2024, 3, 1), "2024-01-31"), (date(2026, 11, 30), "2026-10-31")],
)
def test_the_31st_is_the_latest_that_has_come(today: date, iso: str) -> None:
    assert said("31 tarikh", today) == [iso]


@given(st.text(max_size=80), st.dates(date(2, 1, 1), date(9998, 12, 31)))
def test_never_fails_and_never_turns_round(text: str, today: date) -> None:
    for span in find_dates(tokenise(text), today):
        assert span.start <= span.end


@given(
    st.lists(
        st.sampled_from(
            "aaj kal 1 15 31 se tak tarikh nov last 7 din days ago 0 99 9999 / - . saal hafte".split()
        ),
        max_size=12,
    ),
    st.dates(date(2, 1, 1), date(9998, 12, 31)),
)
def test_never_fails_on_words_of_time(words: list[str], today: date) -> None:
    for span in find_dates(tokenise(" ".join(words)), today):
        assert span.start <= span.end
