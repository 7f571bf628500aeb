"""Closed lists of words: what a whole message says, in three writings."""

import pytest

from munshi.contracts.understanding import Category, Intent
from munshi_orchestrator.assistants.ledger import words

YES = [
    "haan",
    "Haan ji",
    "ha",
    "ok",
    "theek hai",
    "Yes",
    "yes please",
    "हाँ",
    "हां जी",
    "ठीक है",
    "👍",
    "👍🏽",
    "sahi hai",
]
NO = ["nahi", "Nahi ji", "no", "No.", "नहीं", "mat likho", "galat", "👎", "nope", "नहीं लिखो"]
DROP = [
    "rehne do",
    "Rahne do bhai",
    "chhodo",
    "cancel",
    "Cancel karo",
    "leave it",
    "never mind",
    "रहने दो",
    "छोड़ दो",
    "जाने दो",
    "kuch nahi",
]
NEITHER = [
    "",
    "nahi, 600 tha",
    "haan Ramesh ko bhi",
    "Ramesh",
    "500",
    "yes bank 500",
    "no entry found for Ramesh today",
    "?",
]


@pytest.mark.parametrize("text", YES)
def test_yes(text: str) -> None:
    assert words.is_yes(text)
    assert not words.is_no(text)


@pytest.mark.parametrize("text", NO)
def test_no(text: str) -> None:
    assert words.is_no(text)
    assert not words.is_yes(text)


@pytest.mark.parametrize("text", DROP)
def test_leave_it(text: str) -> None:
    assert words.is_drop(text)


@pytest.mark.parametrize("text", NEITHER)
def test_neither(text: str) -> None:
    assert not words.is_yes(text)
    assert not words.is_no(text)
    assert not words.is_drop(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ramesh", "Ramesh"), ("Ramesh ko", "Ramesh"), ("Ramesh ke naam", "Ramesh"),
        ("to Peter", "Peter"),
        ("रमेश को", "रमेश"), ("Ramesh bhai ka", "Ramesh"), ("B-204 wali bhabhi", "B-204 wali bhabhi"),
        ("12 34", ""), ("ko", ""), ("", ""),
        ("ye ek bahut lamba jawab hai", ""), ("Gupta Traders", "Gupta Traders"), ("D'Souza", "D'Souza"),
    ],
)  # fmt: skip
def test_a_name_without_its_particles(text: str, name: str) -> None:
    assert words.bare_name(text) == name


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("udhaar", Category.CREDIT), ("उधार दिया", Category.CREDIT),
        ("it was a payment", Category.PAYMENT),
        ("बिक्री", Category.SALE), ("maal kharida", Category.BUY), ("ख़र्चा", Category.EXPENSE),
        ("kharcha", Category.EXPENSE),
        ("udhaar nahi jama", None), ("Ramesh", None), ("", None),
    ],
)  # fmt: skip
def test_categories_by_their_words(text: str, category: Category | None) -> None:
    assert words.category_of(text) is category


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Undo", Intent.UNDO),
        ("वापस लो!", Intent.UNDO),
        ("help", Intent.HELP),
        ("मदद?", Intent.HELP),
        ("undo tha", None),
        ("", None),
    ],
)
def test_whole_commands(text: str, intent: Intent | None) -> None:
    assert words.command(text) is intent


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("usne 100 diye", "Ramesh ne 100 diye"), ("uska balance?", "Ramesh ka balance?"),
        ("use 40 diya", "Ramesh ko 40 diya"),
        ("उसने 100 दिए", "Ramesh ने 100 दिए"), ("he paid 30", "Ramesh paid 30"),
        ("his balance", "Ramesh's balance"),
        ("Suresh paid 30", "Suresh paid 30"),
    ],
)  # fmt: skip
def test_a_name_in_place_of_its_pronoun(text: str, said: str) -> None:
    assert words.with_name(text, "Ramesh") == said


def test_control_characters_never_reach_the_books() -> None:
    assert words.clean("a\x00b\u202e c\nd\ud800", 50) == "a b c d"
    assert words.clean("क्\u200dष", 50) == "क्\u200dष", "a joiner is part of the word"
    assert words.clean("x" * 900, 500) == "x" * 500
