"""Trains what judges documents: `python -m munshi_inference.training.documents.train OBSERVED`.

Kind and category are learned from the texts of drawn documents, spoilt as engines spoil them; which amount is
the total, and how far each field's confidence can be trusted, from documents that the engines read
(`observe`). The same input and package versions give the same bytes.
"""

import argparse
import hashlib
import importlib.metadata
import io
import json
import random
import sys
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from munshi.contracts.media import FileKind
from munshi_inference.documents import items, judging, money, reading, total
from munshi_inference.documents.judging import BUCKETS, CARD_FILE, MODEL_NAME, WEIGHTS_FILE
from munshi_inference.documents.kind import Judge, RuleJudge
from munshi_inference.documents.pieces import rows
from munshi_inference.nlu.repository import repository
from munshi_inference.training.documents import drawn, evaluate, layouts
from munshi_inference.training.documents.bills import TODAY
from munshi_inference.training.documents.observe import Observation, load

SEED = 100
TEXTS = 9_000
"""Made texts for kind and category."""
DRAWN_EVERY = 4
"""One text in so many is worded and laid out like what is drawn; the others have more words and rows."""
LANGUAGES = ("hi", "en", "si", "en", "hi", "en")
"""Of the drawn texts, in turn."""
PULL = 4.0
"""Strength with which the total's weights are held near those written by hand."""
CALIBRATED = ("total", "date", "vendor", "invoice_no")
_SWAPS = ("Oo0", "Il1", "S5", "B8", "rn", "ce", "uv", "ae", "tf", "gq")


def spoil(text: str, rng: random.Random) -> str:
    """A text with the mistakes of an engine: letters swapped or lost, spaces lost, rows lost."""
    strength = rng.choice((0.0, 0.005, 0.02, 0.05, 0.12))
    rows_left = [row for row in text.split("\n") if rng.random() > strength]
    out = []
    for character in "\n".join(rows_left):
        if rng.random() >= strength:
            out.append(character)
            continue
        group = next((group for group in _SWAPS if character in group), None)
        out.append(rng.choice(group) if group else "")
    return "".join(out)


def texts(count: int, seed: int) -> list[tuple[str, str, str | None]]:
    """Spoilt texts of drawn documents, each with its kind and category."""
    made = []
    for index in range(count):
        rng = random.Random(f"text/{seed}/{index}")
        varied = (index // len(LANGUAGES)) % DRAWN_EVERY > 0
        bill = drawn.content(rng, language=LANGUAGES[index % len(LANGUAGES)], others=True, varied=varied)
        truth = bill.truth
        text = spoil(drawn.text(layouts.lay(bill, rng)), rng)
        made.append((text, truth.kind.value, truth.category.value if truth.category else None))
    return made


def matrix(of: Sequence[str]) -> csr_matrix:
    """Features of texts, a row each."""
    found = [judging.features(text) for text in of]
    ends = np.cumsum([0, *(len(row) for row, _ in found)])
    columns = np.concatenate([row for row, _ in found])
    values = np.concatenate([value for _, value in found])
    return csr_matrix((values, columns, ends), shape=(len(found), BUCKETS))


def classifier(of: Sequence[str], classes: Sequence[str]) -> LogisticRegression:
    """A linear model of several classes."""
    return LogisticRegression(C=30.0, max_iter=400, random_state=SEED).fit(matrix(of), list(classes))


def _both(model: LogisticRegression) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
    return model.coef_.T.astype(np.float16), model.intercept_.astype(np.float16)


def total_weights(observed: Sequence[Observation]) -> tuple[float, ...]:
    """Weights of `total.FEATURES`, learned from every amount of every document."""
    described, right = [], []
    for seen in observed:
        if seen.truth.total is None:
            continue
        lines = money.read(rows(seen.pieces))
        listed = [item.amount for item in items.read(lines) if item.amount is not None]
        for made in total.candidates(lines, total.sums(lines, listed)):
            described.append(made.features)
            right.append(made.value == seen.truth.total)
    return _drawn_to(total.WEIGHTS, np.asarray(described), np.asarray(right, float))


def _drawn_to(
    prior: Sequence[float], described: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> tuple[float, ...]:
    """Weights of a logistic regression that stay near those written by hand where the drawn documents, which
    are more alike than real ones, say little."""
    start = np.asarray(prior)

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        odds = described @ weights
        share = 1 / (1 + np.exp(-odds))
        away = weights - start
        value = float(np.sum(np.logaddexp(0, odds) - right * odds) + PULL * away @ away)
        return value, described.T @ (share - right) + 2 * PULL * away

    found = minimize(loss, start, jac=True, method="L-BFGS-B")
    return tuple(round(float(weight), 4) for weight in found.x)


def calibration(
    observed: Sequence[Observation], judge: Judge, weights: tuple[float, ...]
) -> dict[str, tuple[float, float]]:
    """Slope and offset of each field's curve."""
    pairs: dict[str, list[tuple[float, bool]]] = {name: [] for name in CALIBRATED}
    for seen in observed:
        context = reading.Context(TODAY, "INR", seen.engine, weights)
        document = reading.read(seen.pieces, context, judge)
        if seen.truth.kind is FileKind.OTHER:
            continue
        result = evaluate.compare(seen.truth, document)
        for name in CALIBRATED:
            if name in result and name in document.confidences:
                pairs[name].append((document.confidences[name], result[name]))
    return {name: _curve(found) for name, found in pairs.items()}


def _curve(pairs: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """A logistic curve; drawn towards "as it is" by two made-up documents, one right and one wrong."""
    raw = np.asarray([confidence for confidence, _ in pairs] + [0.5, 0.5])
    right = np.asarray([good for _, good in pairs] + [True, False])
    clipped = np.clip(raw, 1e-4, 1 - 1e-4)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(np.log(clipped / (1 - clipped))[:, None], right)
    return round(max(0.05, float(model.coef_[0][0])), 4), round(float(model.intercept_[0]), 4)


def _write_npz(file: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """An .npz without the time of day in it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=False)
            out.writestr(
                zipfile.ZipInfo(f"{name}.npy", (2026, 1, 1, 0, 0, 0)), data.getvalue(), zipfile.ZIP_DEFLATED
            )


def train(observed: Sequence[Observation], folder: Path) -> dict[str, Any]:
    """Trains and writes a version; gives back its card."""
    material = texts(TEXTS, SEED)
    kinds = classifier([text for text, _, _ in material], [kind for _, kind, _ in material])
    sorted_ones = [(text, category) for text, _, category in material if category is not None]
    categories = classifier([text for text, _ in sorted_ones], [category for _, category in sorted_ones])
    fresh = texts(1_000, SEED + 1)
    weights = total_weights(observed)
    card = {
        "name": MODEL_NAME,
        "kinds": list(kinds.classes_),
        "categories": list(categories.classes_),
        "total_weights": weights,
        "calibration": calibration(observed, RuleJudge(), weights),
        "seed": SEED,
        "texts": TEXTS,
        "observed": len(observed),
        "material": _digest(material, observed),
        "fresh_texts": {
            "kind": _share(kinds, [(t, k) for t, k, _ in fresh]),
            "category": _share(categories, [(t, c) for t, _, c in fresh if c is not None]),
        },
        "packages": {
            name: importlib.metadata.version(name) for name in ("numpy", "scikit-learn", "rapidocr")
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (kind, kind_offset), (category, category_offset) = _both(kinds), _both(categories)
    arrays = {
        "kind": kind,
        "kind_offset": kind_offset,
        "category": category,
        "category_offset": category_offset,
    }
    _write_npz(folder / WEIGHTS_FILE, arrays)
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def _share(model: LogisticRegression, pairs: Sequence[tuple[str, str]]) -> float:
    found = model.predict(matrix([text for text, _ in pairs]))
    return round(float(np.mean(found == np.asarray([wanted for _, wanted in pairs]))), 4)


def _digest(material: Sequence[tuple[str, str, str | None]], observed: Sequence[Observation]) -> str:
    """SHA-256 of all that was learned from."""
    total_hash = hashlib.sha256()
    for entry in material:
        total_hash.update(repr(entry).encode())
    for seen in observed:
        pieces = [(p.text, round(Decimal(str(p.left)), 1)) for p in seen.pieces]
        total_hash.update(repr((seen.name, pieces)).encode())
    return total_hash.hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Train what judges documents.")
    parser.add_argument("observed", type=Path, nargs="+", help="files that `observe` wrote")
    parser.add_argument("--out", type=Path, default=repository() / MODEL_NAME / "1")
    chosen = parser.parse_args(arguments)
    observed = [seen for file in chosen.observed for seen in load(file)]
    card = train(observed, chosen.out)
    sys.stdout.write(
        json.dumps({k: card[k] for k in ("fresh_texts", "total_weights", "calibration")}, indent=1) + "\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
