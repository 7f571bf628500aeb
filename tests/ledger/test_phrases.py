"""The catalogue: every phrase in every writing, with the same placeholders, in its own script."""

import re
from string import Formatter

import pytest

from munshi_orchestrator.assistants.ledger.phrases import CATALOGUE, Phrase, Writing

DEVANAGARI = re.compile(r"[\u0900-\u097f]")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("writing", list(Writing))
def test_every_phrase_is_there(writing: Writing) -> None:
    assert set(CATALOGUE[writing]) == set(Phrase)
    assert all(text.strip() == text and text for text in CATALOGUE[writing].values())


@pytest.mark.parametrize("phrase", list(Phrase))
def test_placeholders_agree(phrase: Phrase) -> None:
    assert len({frozenset(placeholders(phrases[phrase])) for phrases in CATALOGUE.values()}) == 1


@pytest.mark.parametrize("phrase", list(Phrase))
def test_each_writing_keeps_its_script(phrase: Phrase) -> None:
    for writing, phrases in CATALOGUE.items():
        words = re.sub(r"\{\w+\}|undo", "", phrases[phrase])
        if writing is Writing.HINDI:
            assert not re.search("[a-z]", words)
            assert DEVANAGARI.search(words) or not re.search(r"\w", words)
        else:
            assert not DEVANAGARI.search(words)


@pytest.mark.parametrize("phrase", [p for p in Phrase if p.startswith(("button", "list_label"))])
def test_titles_fit_their_buttons(phrase: Phrase) -> None:
    assert all(len(phrases[phrase]) <= 20 for phrases in CATALOGUE.values())


@pytest.mark.parametrize("phrase", [p for p in Phrase if p.startswith("row")])
def test_titles_fit_their_rows(phrase: Phrase) -> None:
    assert all(len(phrases[phrase]) <= 24 for phrases in CATALOGUE.values())


def test_months() -> None:
    assert all(len(phrases[Phrase.MONTHS].split(" ")) == 12 for phrases in CATALOGUE.values())
