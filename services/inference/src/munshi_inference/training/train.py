"""Trains the Ledger's model: `python -m munshi_inference.training.train`. Same seed, same files.

Writes a version of the repository: classifier (ONNX), tagger (crfsuite) and card.
"""

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munshi.contracts.understanding import Entities, Intent, Request, Understanding
from munshi_inference.language.devanagari import LOANS
from munshi_inference.nlu import repository
from munshi_inference.nlu.assembly import ENTRIES, Labelled, entities
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.features import BUCKETS, LedgerWords, Lexicon, sentence_hashes, unit_features
from munshi_inference.nlu.repository import Classifier, LedgerModel, by_key
from munshi_inference.nlu.units import Reading, read
from munshi_inference.training.calibrate import fit_scale
from munshi_inference.training.generator import PHRASES, Sentence, all_phrases, sentences
from munshi_inference.training.grammar import Phrase
from munshi_inference.training.people import WORDS
from munshi_inference.training.vocabulary import kinds, vocabulary

SEED = 20261121
SENTENCES = 100_000
ITERATIONS = 70
STRENGTH = 40.0
"""Inverse of the classifier's regularisation; phrases that are rare in the material count with it."""
HIDING = 0.35
"""Share of sentences in which the tagger is denied some of the names and goods."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For the processes that fit the classifier: sums made in one order come out the same on any machine."""
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


def _hidden(example: Example, known: Lexicon, rng: random.Random) -> frozenset[int]:
    """Units of a sentence that the tagger shall not recognise, mostly names and goods."""
    if rng.random() > HIDING:
        return frozenset()
    shares = (
        0.4 if label[1:2] == "-" or unit.key in known.kinds else 0.05
        for unit, label in zip(example.reading.units, example.labels, strict=True)
    )
    return frozenset(i for i, share in enumerate(shares) if rng.random() < share)


def train_tagger(data: Sequence[Example], known: Lexicon, file: Path, seed: int, iterations: int) -> None:
    """Fits the tagger and writes it. `known`: what it is told of words."""
    import pycrfsuite

    rng = random.Random(seed)
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.05, "c2": 0.02, "max_iterations": iterations, "feature.minfreq": 3})
    for example in data:
        if example.reading.units:
            seen = unit_features(example.reading, known, _hidden(example, known, rng))
            trainer.append(seen, list(example.labels))
    trainer.train(str(file))


def _noisy(example: Example, ledger_words: frozenset[str], rng: random.Random) -> list[str]:
    """Labels as a tagger that errs gives them.

    On talk that it never met, the tagger takes numbers for money and words for names. With clean labels the
    classifier would learn that money means an entry, and follow it.
    """
    labels = list(example.labels)
    if example.sentence.intent == "other":
        if rng.random() < 0.5:
            labels = ["AMT" if label == "NUM" else label for label in labels]
    elif rng.random() < 0.1:
        labels = ["NUM" if label == "AMT" else label for label in labels]
    if rng.random() < 0.08:
        labels = ["O" if label[1:2] == "-" else label for label in labels]
    if rng.random() < (0.25 if example.sentence.intent == "other" else 0.08):
        strange = (u.kind == "word" and u.key not in ledger_words for u in example.reading.units)
        labels = [
            "B-NAME" if odd and label == "O" and rng.random() < 0.5 else label
            for label, odd in zip(labels, strange, strict=True)
        ]
    return labels


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
    noisy = (_noisy(e, ledger_words, rng) for e in data)
    known = LedgerWords(ledger_words)
    rows = [
        sorted(h % BUCKETS for h in sentence_hashes(e.reading, labels, known))  # always in one order
        for e, labels in zip(data, noisy, strict=True)
    ]
    matrix = _matrix(rows)
    intent = fit_head(matrix, [e.sentence.intent for e in data], INTENTS, STRENGTH)
    single = [i for i, e in enumerate(data) if e.sentence.category != "several"]
    category = fit_head(matrix[single], [data[i].sentence.category for i in single], CATEGORIES, STRENGTH)
    latin = [i for i, e in enumerate(data) if e.sentence.writing != "deva"]
    tongues = ["en" if data[i].sentence.writing == "en" else "hi" for i in latin]
    return intent, category, fit_head(matrix[latin], tongues, LANGUAGES, 5.0)


def data_hash() -> str:
    """SHA-256 over the phrase files and word lists, so a card says what it was made from."""
    digest = hashlib.sha256()
    words = sorted([*WORDS.glob("*.txt"), LOANS], key=lambda file: file.name)
    for file in [*sorted(PHRASES.glob("*.txt")), *words]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def trial(count: int, seed: int, iterations: int) -> dict[str, Any]:
    """What the models make of phrases they never saw, and the scale of confidence that follows from it."""
    rng = random.Random(seed)
    bank = all_phrases()
    rng.shuffle(bank)
    held, known = bank[: len(bank) // 5], bank[len(bank) // 5 :]
    with tempfile.TemporaryDirectory() as folder:
        data = examples(count, seed + 1, known)
        fit(Path(folder), data, seed, iterations)
        write_card(Path(folder), data, seed, iterations, {})
        engine = LedgerEngine(LedgerModel(Path(folder)))
        asked = [e for e in examples(count // 10, seed + 2, held) if e.sentence.category != "several"]
        right: Counter[str] = Counter()
        points = []
        for example in asked:
            ((reading, joint),) = engine.read_with_joint(
                [Request(text=example.sentence.text, today=TRAINING_DAY)]
            )
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
    """Generates, fits and writes one version into `folder`; returns its card. Classifier and trial are
    made beside the tagger."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(ONE_THREAD)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as beside:
        heads = beside.submit(classifier_of, count, seed)
        shown = beside.submit(trial, count // 3, seed, iterations // 2)
        data = examples(count, seed)
        train_tagger(data, lexicon(), folder / repository.TAGGER_FILE, seed, iterations)
        Classifier.write([(h.weights, h.bias) for h in heads.result()], folder / repository.CLASSIFIER_FILE)
        return write_card(folder, data, seed, iterations, shown.result())


def lexicon() -> Lexicon:
    """What the tagger is told of words."""
    return Lexicon(vocabulary()[0], by_key(kinds()))


def classifier_of(count: int, seed: int) -> tuple[Head, Head, Head]:
    """The classifier for generated sentences; a process of its own makes them again from the seed."""
    return train_classifier(examples(count, seed), vocabulary()[1], seed)


def fit(folder: Path, data: Sequence[Example], seed: int, iterations: int) -> None:
    """Fits both models to examples and writes them."""
    train_tagger(data, lexicon(), folder / repository.TAGGER_FILE, seed, iterations)
    heads = train_classifier(data, vocabulary()[1], seed)
    Classifier.write([(h.weights, h.bias) for h in heads], folder / repository.CLASSIFIER_FILE)


def write_card(
    folder: Path, data: Sequence[Example], seed: int, iterations: int, shown: dict[str, Any]
) -> dict[str, Any]:
    """Writes what a version was made of and how; `shown` goes into it."""
    common, ledger_words = vocabulary()
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
        "packages": {p: version(p) for p in ("numpy", "python-crfsuite", "scikit-learn", "scipy")},
        "buckets": BUCKETS,
        "intents": INTENTS,
        "categories": CATEGORIES,
        "languages": LANGUAGES,
        **shown,
        "vocabulary": sorted(common),
        "kinds": kinds(),
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
