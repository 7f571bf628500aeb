"""Trains the Ledger's model: `python -m munshi_inference.training.train`. Same seed, same files.

Writes a version of the repository: classifier (ONNX), tagger (crfsuite) and card.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munshi.contracts.understanding import Entities, Intent, Request, Understanding
from munshi_inference.language.tokens import tokenise
from munshi_inference.nlu import repository
from munshi_inference.nlu.assembly import ENTRIES, Labelled, entities
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.features import BUCKETS, hashed, sentence_features, unit_features
from munshi_inference.nlu.repository import LedgerModel
from munshi_inference.nlu.units import Reading, read
from munshi_inference.training.calibrate import fit_scale
from munshi_inference.training.generator import PHRASES, Sentence, all_phrases, sentences
from munshi_inference.training.grammar import Phrase
from munshi_inference.training.onnx_export import classifier_model
from munshi_inference.training.people import WORDS

SEED = 20261121
SENTENCES = 110_000
ITERATIONS = 80
TRAINING_DAY = date(2026, 11, 21)
INTENTS = (
    "add_transaction", "add_receipt", "query_total_day", "query_total_period", "query_customer_balance",
    "clarify", "greet", "help", "correct", "undo", "other",
)  # fmt: skip
CATEGORIES = ("none", "sale", "buy", "credit", "payment", "expense")
LANGUAGES = ("en", "hi")


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence as the models see it."""

    sentence: Sentence
    reading: Reading
    labels: tuple[str, ...]


def label_units(sentence: Sentence, reading: Reading) -> tuple[str, ...]:
    """The gold label of each unit, from the character spans."""
    labels: list[str] = []
    before: tuple[int, int, str] | None = None
    for unit in reading.units:
        span = next((s for s in sentence.spans if unit.start < s[1] and unit.end > s[0]), None)
        if span is None or span[2] == "INV":
            labels.append("NUM" if unit.kind == "number" else "O")
        elif span[2] in {"AMT", "RATE", "QTY"}:
            labels.append(span[2] if unit.kind == "number" else "O")
        elif span[2] == "DAY":
            labels.append("DAY" if unit.date else "O")
        else:
            labels.append(f"{'I' if span == before else 'B'}-{span[2]}")
        before = span
    return tuple(labels)


def examples(count: int, seed: int, phrases: Sequence[Phrase] | None = None) -> list[Example]:
    """Generated sentences (of all phrases, or of those given), read and labelled."""
    found = []
    for sentence in sentences(count, seed, phrases):
        reading = read(sentence.text, TRAINING_DAY)
        found.append(Example(sentence, reading, label_units(sentence, reading)))
    return found


_THINGS = (
    "services",
    "services_en",
    "places",
    "places_en",
    "items",
    "items_en",
    "expenses",
    "expenses_en",
    "units",
    "units_en",
    "honorifics",
    "titles",
)
_NAMES = ("first_names", "last_names", "gods", "nicknames", "names_deva", "last_names_deva")
SHORT_KEY = 3
"""Name keys up to this length are also ordinary words (de, kar, das) and stay in the vocabulary."""


def _keys(texts: Iterable[str]) -> set[str]:
    return {t.key for text in texts for t in tokenise(text) if t.is_word}


def _word_file(name: str) -> str:
    return (WORDS / f"{name}.txt").read_text(encoding="utf-8").replace("|", " ")


def vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """Keys of ordinary words (of all phrases and of things, not of names), and those of ledger talk alone."""
    phrases = all_phrases()
    things = _keys(_word_file(name) for name in _THINGS)
    names = {k for k in _keys(_word_file(name) for name in _NAMES) if len(k) > SHORT_KEY}
    spoken = _keys(" ".join(p.words) for p in phrases)
    of_ledger = _keys(" ".join(p.words) for p in phrases if p.intent != "other")
    return frozenset(things | (spoken - names)), frozenset(things | (of_ledger - names))


def train_tagger(data: Sequence[Example], common: frozenset[str], file: Path, iterations: int) -> None:
    """Fits the tagger and writes it."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.05, "c2": 0.02, "max_iterations": iterations, "feature.minfreq": 3})
    for example in data:
        if example.reading.units:
            trainer.append(unit_features(example.reading, common), list(example.labels))
    trainer.train(str(file))


def _noisy(example: Example, rng: random.Random) -> Sequence[str]:
    """Labels as a tagger that errs gives them: a name missed now and then."""
    if rng.random() > 0.08:
        return example.labels
    return [("O" if label[1:2] == "-" else label) for label in example.labels]


def _matrix(rows: Sequence[Sequence[int]]) -> Any:
    from scipy.sparse import csr_matrix

    lengths = [len(r) for r in rows]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate([np.asarray(r, dtype=np.int64) for r in rows])
    values = np.repeat([1 / np.sqrt(max(n, 1)) for n in lengths], lengths).astype(np.float32)
    return csr_matrix((values, indices, indptr), shape=(len(rows), BUCKETS))


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of one question (intent, category, language): `(classes, BUCKETS)` and a bias."""

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


def fit_head(matrix: Any, targets: Sequence[str], classes: Sequence[str], strength: float) -> Head:
    """A multinomial logistic regression; rows in the order of `classes`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=150, tol=1e-4, solver="lbfgs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is part of the regularisation
        model.fit(matrix, targets)
    weights = np.zeros((len(classes), BUCKETS), dtype=np.float32)
    bias = np.full(len(classes), -20.0, dtype=np.float32)
    order = list(model.classes_)
    if len(order) == 2:
        weights[classes.index(order[1])] = model.coef_[0]
        bias[classes.index(order[1])] = model.intercept_[0]
        bias[classes.index(order[0])] = 0.0
        return Head(weights, bias)
    for row, name in enumerate(order):
        weights[classes.index(name)] = model.coef_[row]
        bias[classes.index(name)] = model.intercept_[row]
    return Head(weights, bias)


def train_classifier(
    data: Sequence[Example], ledger_words: frozenset[str], seed: int
) -> tuple[Head, Head, Head]:
    """Heads for intent, category and language."""
    rng = random.Random(seed)
    rows = [hashed(sentence_features(e.reading, _noisy(e, rng), ledger_words)) for e in data]
    matrix = _matrix(rows)
    intent = fit_head(matrix, [e.sentence.intent for e in data], INTENTS, 8.0)
    single = [i for i, e in enumerate(data) if e.sentence.category != "several"]
    category = fit_head(matrix[single], [data[i].sentence.category for i in single], CATEGORIES, 8.0)
    latin = [i for i, e in enumerate(data) if e.sentence.writing != "deva"]
    tongues = ["en" if data[i].sentence.writing == "en" else "hi" for i in latin]
    return intent, category, fit_head(matrix[latin], tongues, LANGUAGES, 5.0)


def data_hash() -> str:
    """SHA-256 over the phrase files and word lists, so a card says what it was made from."""
    digest = hashlib.sha256()
    for file in sorted([*PHRASES.glob("*.txt"), *WORDS.glob("*.txt")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def trial(count: int, seed: int, iterations: int) -> dict[str, Any]:
    """What the models make of phrases they never saw, and the scale of confidence that follows from it."""
    rng = random.Random(seed)
    bank = all_phrases()
    rng.shuffle(bank)
    held, known = bank[: len(bank) // 5], bank[len(bank) // 5 :]
    with tempfile.TemporaryDirectory() as folder:
        fit(Path(folder), examples(count, seed + 1, known), seed, iterations, {})
        engine = LedgerEngine(LedgerModel(Path(folder)))
        asked = [e for e in examples(count // 10, seed + 2, held) if e.sentence.category != "several"]
        right: Counter[str] = Counter()
        points = []
        for example in asked:
            reading, joint = engine.read_with_joint(Request(text=example.sentence.text, today=TRAINING_DAY))
            result = _as_generated(example, reading)
            right.update(name for name, good in result.items() if good)
            points.append((joint, all(result.values())))
    shares = {
        name: round(right[name] / len(asked), 4) for name in ("intent", "amount", "customer_name", "category")
    }
    return {"unseen_phrases": {"sentences": len(asked), **shares}, "calibration": fit_scale(points)}


def _as_generated(example: Example, reading: Understanding) -> dict[str, bool]:
    """Whether intent, amount, name and category are what the generator meant."""
    gold = Labelled(example.reading, example.labels)
    intent = Intent(example.sentence.intent)
    entry = intent in ENTRIES and example.sentence.category != "none"
    wanted = entities(gold, intent, None, TRAINING_DAY) if intent is not Intent.OTHER else Entities()
    return {
        "intent": reading.intent is intent,
        "amount": reading.entities.amount == wanted.amount,
        "customer_name": reading.entities.customer_name == wanted.customer_name,
        "category": not entry or reading.entities.category == example.sentence.category,
    }


def train(
    folder: Path, count: int = SENTENCES, seed: int = SEED, iterations: int = ITERATIONS
) -> dict[str, Any]:
    """Generates, fits and writes one version into `folder`; returns its card."""
    folder.mkdir(parents=True, exist_ok=True)
    return fit(folder, examples(count, seed), seed, iterations, trial(count // 3, seed, iterations // 2))


def fit(
    folder: Path, data: Sequence[Example], seed: int, iterations: int, shown: dict[str, Any]
) -> dict[str, Any]:
    """Fits both models to examples and writes a version; `shown` goes into its card."""
    common, ledger_words = vocabulary()
    train_tagger(data, common, folder / repository.TAGGER_FILE, iterations)
    heads = train_classifier(data, ledger_words, seed)
    classifier_model([(h.weights, h.bias) for h in heads], folder / repository.CLASSIFIER_FILE)
    card = {
        "name": repository.MODEL_NAME,
        "version": int(folder.name) if folder.name.isdecimal() else 0,
        "seed": seed,
        "sentences": len(data),
        "iterations": iterations,
        "phrases": len(all_phrases()),
        "data_sha256": data_hash(),
        "by_intent": dict(sorted(Counter(e.sentence.intent for e in data).items())),
        "by_writing": dict(sorted(Counter(e.sentence.writing for e in data).items())),
        "packages": {p: version(p) for p in ("numpy", "onnx", "python-crfsuite", "scikit-learn", "scipy")},
        "buckets": BUCKETS,
        "intents": INTENTS,
        "categories": CATEGORIES,
        "languages": LANGUAGES,
        **shown,
        "vocabulary": sorted(common),
        "ledger_words": sorted(ledger_words),
    }
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (folder / repository.CARD_FILE).write_text(text, encoding="utf-8")
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Train the Ledger's model.")
    parser.add_argument("--into", type=Path, default=repository.repository() / repository.MODEL_NAME / "1")
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    card = train(chosen.into, chosen.sentences, chosen.seed, chosen.iterations)
    size = sum(f.stat().st_size for f in chosen.into.iterdir()) / 1e6
    sys.stdout.write(
        f"{card['name']} {card['version']}: {card['sentences']} sentences from {card['phrases']} phrases, "
        f"{size:.1f} MB, {time.monotonic() - began:.0f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
