"""Floors under the hand-written sentences. Prints shares only, never a sentence."""

from pathlib import Path

import pytest

from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.repository import LedgerModel, latest, repository
from munshi_inference.training.evaluate import evaluate, load_lines

FILES = sorted((Path(__file__).parents[1] / "understanding").glob("*.jsonl"))
AIM = {"intent": 0.95, "amount": 0.97, "customer_name": 0.90, "category": 0.95}
"""What is asked on sentences that nobody tuned on; every set is held to it."""


@pytest.fixture(scope="module")
def engine() -> LedgerEngine:
    return LedgerEngine(LedgerModel(latest(repository())))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
@pytest.mark.parametrize("measure", sorted(AIM))
def test_reaches_the_aim(engine: LedgerEngine, file: Path, measure: str) -> None:
    share = evaluate(engine, load_lines(file)).share(measure)
    assert share is not None
    assert share >= AIM[measure], f"{measure} of {file.stem}: {share:.3f}"
