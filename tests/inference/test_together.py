"""Texts read together are read as each by itself: another way of tagging, the same answers."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munshi.contracts.understanding import Request, Understanding
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.repository import LEAST_TOGETHER, LedgerModel, latest, repository
from munshi_inference.triton.serving import Understanding as Served
from munshi_inference.triton.wire import REQUEST, Answer

TODAY = date(2026, 11, 21)
ENGINE = LedgerEngine(LedgerModel(latest(repository())))
SETS = Path(__file__).parent.parent / "understanding"
WRITTEN = [
    json.loads(line)["text"]
    for file in sorted(SETS.glob("*.jsonl"))
    for line in file.read_text(encoding="utf-8").splitlines()
]
NEAR = 2e-6
"""What the order of sums in single precision may change of a probability."""


def asked(texts: list[str]) -> list[Request]:
    return [Request(text=text, today=TODAY, mask=number % 3 == 0) for number, text in enumerate(texts)]


def parts(reading: Understanding) -> list[Understanding]:
    return [reading, *(part for entry in reading.further for part in parts(entry))]


def without_shares(reading: Understanding) -> dict[str, object]:
    language = reading.language.model_copy(update={"confidence": 0.0})
    further = tuple(
        one.model_copy(update={"confidence": 0.0, "language": language}) for one in reading.further
    )
    return reading.model_copy(update={"confidence": 0.0, "language": language, "further": further}).__dict__


def reads_the_same(texts: list[str]) -> None:
    requests = asked(texts)
    together = ENGINE.read_with_joint(requests)
    for request, (found, joint) in zip(requests, together, strict=True):
        ((alone, its_joint),) = ENGINE.read_with_joint([request])
        assert without_shares(found) == without_shares(alone)
        assert joint == pytest.approx(its_joint, abs=NEAR)
        for one, other in zip(parts(found), parts(alone), strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=NEAR)
            assert one.language.confidence == pytest.approx(other.language.confidence, abs=NEAR)


@pytest.mark.parametrize("size", [LEAST_TOGETHER, 64])
def test_written_texts_are_read_the_same(size: int) -> None:
    for first in range(0, len(WRITTEN), size):
        reads_the_same(WRITTEN[first : first + size])


PIECES = [
    "|",
    ",",
    ".",
    "?",
    "\n",
    "5",
    "500",
    "kal",
    "ko",
    "Ramesh",
    "diya",
    "kg",
    "₹",
    "नमस्ते",
    "को",
    "ß",
    "<s>",
]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join), min_size=4, max_size=12))
def test_anything_is_read_the_same(texts: list[str]) -> None:
    reads_the_same(texts)


def test_long_texts_beside_short_and_empty_ones() -> None:
    reads_the_same(["", "ok", "1 , " * 250, "Ramesh ko 500 diye, " * 50, " ", "haan", "? " * 500])


def test_a_row_that_is_no_request_harms_no_other() -> None:
    model = Served()
    model.name, model.engine = "ledger_nlu", ENGINE
    rows = [request.model_dump_json().encode() for request in asked(WRITTEN[:5])]
    answers = [
        Answer[Understanding].model_validate_json(row)
        for row in model.results({REQUEST: [*rows[:3], b"{", *rows[3:]]})
    ]
    errors = [answer.error for answer in answers]
    assert [error is not None for error in errors] == [False, False, False, True, False, False]
    assert [error.word for error in errors if error] == ["bad_request"]
    assert [answer.ok.text for answer in answers if answer.ok] == WRITTEN[:5]
