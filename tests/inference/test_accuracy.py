"""Floors under the hand-written sentences. Prints shares only, never a sentence."""

from pathlib import Path

import pytest

from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.repository import LedgerModel, latest, repository
from munshi_inference.training.evaluate import evaluate, load_lines

FILES = sorted((Path(__file__).parents[1] / "understanding").glob("*.jsonl"))
AIM = {"intent": 0.95, "amount": 0.97, "customer_name": 0.90, "category": 0.95}
REACHED = {
    "dev": {"intent": 0.99, "amount": 0.99, "customer_name": 0.99, "category": 0.99},
    "held_out": {"intent": 0.97, "amount": 0.98, "customer_name": 0.96, "category": 0.97},
    "fresh": {"intent": 0.97, "amount": 0.97, "customer_name": 0.94, "category": 0.98},
    "unseen": {"intent": 0.94, "amount": 0.93, "customer_name": 0.89, "category": 0.95},
}
"""Just under what is reached: what must not be lost again.

`unseen` misses the aim in intent, amount and name.
"""


@pytest.fixture(scope="module")
def engine() -> LedgerEngine:
    return LedgerEngine(LedgerModel(latest(repository())))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
@pytest.mark.parametrize("measure", sorted(AIM))
def test_reaches_the_floor(engine: LedgerEngine, file: Path, measure: str) -> None:
    share = evaluate(engine, load_lines(file)).share(measure)
    assert share is not None
    assert share >= REACHED.get(file.stem, AIM)[measure], f"{measure} of {file.stem}: {share:.3f}"
