"""The model repository: versions of a model under `models/<name>/<version>/`, each with a card.

Importable without Triton; the layout is the one that Triton's python backend takes.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from munshi_inference.nlu.features import BUCKETS, LedgerWords, Lexicon

MODEL_NAME = "ledger_nlu"
CLASSIFIER_FILE = "intent.npz"
TAGGER_FILE = "entities.crfsuite"
CARD_FILE = "card.json"


class ModelError(Exception):
    """The repository holds no usable model; the message says what is missing."""


def repository() -> Path:
    """The models folder of this distribution."""
    return Path(str(resources.files("munshi_inference"))) / "models"


def latest(root: Path, name: str = MODEL_NAME) -> Path:
    """The folder of the newest version of a model. Raises `ModelError` when there is none."""
    versions = [p for p in (root / name).glob("*") if p.name.isdecimal() and (p / CARD_FILE).exists()]
    if not versions:
        raise ModelError(f"no version of the model {name} under {root}; train one first")
    return max(versions, key=lambda p: int(p.name))


class Scores(NamedTuple):
    """What the classifier says of one reading: probabilities by class."""

    intent: list[float]
    category: list[float]
    language: list[float]


class Classifier:
    """The rows of a table that hashed features name, summed and scaled, made probabilities head by head.

    By numpy, since a session of ONNX Runtime costs more than the sum in it.
    """

    def __init__(self, file: Path) -> None:
        with np.load(file) as held:
            self._table = held["table"].astype(np.float32)
            self._bias: npt.NDArray[np.float32] = held["bias"]
            ends = np.cumsum(held["sizes"]).tolist()
        self._heads = tuple(map(slice, [0, *ends], ends))

    @staticmethod
    def write(heads: Sequence[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]], file: Path) -> None:
        """Keeps weights (class x bucket) and bias of each head, in the order of `Scores`.

        The table is float16: half the size, and the sums are made in float32.
        """
        table = np.concatenate([weights for weights, _ in heads]).T.astype(np.float16)
        bias = np.concatenate([one for _, one in heads]).astype(np.float32)
        sizes = np.asarray([len(one) for _, one in heads], dtype=np.int64)
        np.savez(file, table=np.ascontiguousarray(table), bias=bias, sizes=sizes)

    def scores(self, hashes: Collection[int]) -> Scores:
        """Probabilities for hashed features, at least one."""
        rows = np.fromiter(hashes, np.int64, len(hashes)) & (BUCKETS - 1)
        gathered = self._table.take(rows, axis=0)
        sums = np.add.reduce(gathered, axis=0)
        sums /= math.sqrt(len(hashes))
        sums += self._bias
        each: list[float] = sums.tolist()
        return Scores(*[_shares(each[head]) for head in self._heads])


def _shares(scores: list[float]) -> list[float]:
    """Softmax."""
    highest = max(scores)
    spread = [math.exp(score - highest) for score in scores]
    whole = sum(spread)
    return [one / whole for one in spread]


def by_key(kinds: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Keys of words listed by kind, turned round: key to kinds."""
    found: dict[str, tuple[str, ...]] = {}
    for kind, keys in kinds.items():
        for key in keys:
            found[key] = (*found.get(key, ()), kind)
    return found


class LedgerModel:
    """Tagger and classifier of one version. Loading costs some ten milliseconds.

    Not for several threads at once: the tagger holds the sentence that it is asked about between two calls.
    """

    def __init__(self, folder: Path) -> None:
        import pycrfsuite

        self.card: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        self.intents: tuple[str, ...] = tuple(self.card["intents"])
        self.categories: tuple[str, ...] = tuple(self.card["categories"])
        self.languages: tuple[str, ...] = tuple(self.card["languages"])
        self.lexicon = Lexicon(frozenset(self.card["vocabulary"]), by_key(self.card["kinds"]))
        self.ledger_words = LedgerWords(frozenset(self.card["ledger_words"]))
        """Keys of words that talk of the ledger uses."""
        self._classifier = Classifier(folder / CLASSIFIER_FILE)
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open(str(folder / TAGGER_FILE))

    def tag(self, features: list[list[bytes]]) -> tuple[list[str], float]:
        """A label for each unit and the probability of the whole sequence."""
        if not features:
            return [], 1.0
        labels = list(self._tagger.tag(features))
        return labels, float(self._tagger.probability(labels))

    def classify(self, hashes: Collection[int]) -> Scores:
        """Probabilities of intent, category and language for hashed features."""
        return self._classifier.scores(hashes)
