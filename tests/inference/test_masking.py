"""A masked text holds nobody's name, no number and no day; what remains everybody says."""

import random
import re
from datetime import date
from functools import cache

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from munshi.contracts.understanding import Request
from munshi_inference.language.number_words import look_up
from munshi_inference.language.tokens import tokenise
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.masking import NAMES_TOO, plain_words
from munshi_inference.nlu.repository import LedgerModel, latest, repository
from munshi_inference.training.fillers import fill
from munshi_inference.training.generator import Sentence, realise, sentences
from munshi_inference.training.grammar import load_phrases
from munshi_inference.training.people import syllables
from munshi_inference.training.plain_words import names, page

TODAY = date(2026, 11, 21)
ENGINE = LedgerEngine(LedgerModel(latest(repository())))
SLOT = re.compile(r"\{[a-z]+\}")


def masked(text: str) -> str | None:
    return ENGINE.read(Request(text=text, today=TODAY, mask=True)).masked


def words(text: str) -> set[str]:
    return {token.text for token in tokenise(SLOT.sub(" ", text)) if token.is_word}


@cache
def listed_names() -> frozenset[str]:
    return frozenset(names())


def holds_nothing(found: str, said: str) -> None:
    """What must be true of every masked text, whatever was said."""
    assert not any(char.isnumeric() for char in found), (said, found)
    assert words(found) <= plain_words(), (said, found)
    assert not words(found) & (listed_names() - NAMES_TOO), (said, found)
    assert set(SLOT.sub("", found)) <= set(" .,?!:-") | {c for w in words(found) for c in w}, (said, found)


def test_the_closed_list_is_made_of_the_phrases() -> None:
    assert page() == "\n".join(sorted(plain_words())) + "\n"


def test_no_name_and_no_number_stands_in_the_closed_list() -> None:
    assert not plain_words() & (names() - NAMES_TOO)
    assert {word for word in plain_words() if look_up(word)} <= {"do", "so", "दो", "सो"}
    assert all(len(word) > 1 for word in plain_words())


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Ramesh ko 500 ka maal udhaar diya", "{name} ko {amt} ka maal udhaar diya"),
        ("रमेश को पाँच सौ उधार दिए", "{name} को {amt} उधार दिए"),
        ("Shyam lal 250 aur Mohan 300 udhaar likh do", "{name} {amt} aur {name} {amt} udhaar likh do"),
        ("nahi 600 tha", "nahi {amt} tha"),
        ("aaj ka total kya hai", "{day} ka total kya hai"),
        ("undo", "undo"),
    ],
)
def test_what_is_left_is_a_phrase(said: str, found: str) -> None:
    assert masked(said) == found


@pytest.mark.parametrize("text", ["Ramesh", "500", "", "🙂", "Qwxz Plmk", "x" * 301, "ok " * 150])
def test_what_says_nothing_or_too_much_is_not_kept(text: str) -> None:
    assert masked(text) is None


@pytest.mark.parametrize("name", ["diya", "Diya", "Mita", "more", "Money", "दिया"])
@pytest.mark.parametrize("after", ["ko", "ne", "ka"])
def test_a_name_that_is_a_word_too_is_masked_where_a_name_stands(name: str, after: str) -> None:
    found = masked(f"{name} {after} udhaar likho")
    assert found is None or not found.startswith(name.lower()), found


@settings(max_examples=150, deadline=None)
@given(
    name=st.text(st.characters(categories=["L", "Mn", "Mc"]), min_size=2, max_size=12),
    number=st.one_of(
        st.integers(0, 10**12).map(str),
        st.from_regex(r"\A[6-9][0-9]{4} ?[0-9]{5}\Z"),
        st.from_regex(r"\A[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9]\Z"),
        st.from_regex(r"\A[a-z]{3,8}[.]?[a-z]{0,4}@(?:upi|okaxis|gmail\.com)\Z"),
        st.sampled_from(["do sau", "dhai hazaar", "paanch sau", "पाँच सौ", "sawa lakh", "१२३", "²"]),
    ),
    frame=st.sampled_from(
        [
            "{0} ko {1} ka maal udhaar diya",
            "{1} {0} se mile",
            "{0} ne {1} wapas kiye kal",
            "sold goods to {0} for {1} today",
            "call {0} on {1} please",
            "{0} {1} udhaar",
            "{0}",
            "kal {0} ko maal diya bill {1}",
            "{0}@{1} ka payment aaya",
        ]
    ),
)  # fmt: skip
@example(name="Virat", number="500", frame="{0} ko {1} ka maal udhaar diya")
def test_no_name_and_no_number_comes_through(name: str, number: str, frame: str) -> None:
    said = frame.format(name, number)
    found = masked(said)
    if found is None:
        return
    holds_nothing(found, said)
    kept = words(found)
    assume(not words(name) <= plain_words())  # "Bill" or "Rent": a word like any other
    assert not (words(name) - plain_words()) & kept, (said, found)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_generated_sentences_lose_all_that_they_were_filled_with(seed: int) -> None:
    rng = random.Random(seed)
    made: list[Sentence] = list(sentences(5, seed))
    for sentence in made:
        found = masked(sentence.text)
        if found is not None:
            holds_nothing(found, sentence.text)
    stranger = syllables(rng)
    assume(stranger.lower() not in plain_words())
    found = masked(f"{stranger} ko 500 ka maal udhaar diya")
    assert found is not None
    assert stranger.lower() not in found


def test_masked_texts_are_phrases_that_the_generator_reads(tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = {found for sentence in sentences(400, 7) if (found := masked(sentence.text))}
    file = tmp_path_factory.mktemp("phrases") / "samples.txt"
    file.write_text("[add_transaction credit hinglish]\n" + "\n".join(sorted(lines)), encoding="utf-8")
    phrases = load_phrases(file, {})
    assert len(phrases) == len(lines)
    rng = random.Random(1)
    for phrase in phrases:
        assert realise(phrase, "hinglish", rng).text
    for slot in {slot[1:-1] for line in lines for slot in SLOT.findall(line)}:
        assert fill(slot, "", "hinglish", rng)
