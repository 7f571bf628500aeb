"""The model repository: versions of a model under `models/<name>/<version>/`, each with a card.

Importable without Triton; the layout is the one that Triton's python backend takes.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from importlib import resources
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from munshi_inference.nlu.features import (
    BUCKETS,
    LedgerWords,
    Lexicon,
    sentence_hashes,
    unit_features,
)
from munshi_inference.nlu.tagging import TaggerOfMany
from munshi_inference.nlu.units import Reading

MODEL_NAME = "ledger_nlu"
CLASSIFIER_FILE = "intent.npz"
TAGGER_FILE = "entities.crfsuite"
CARD_FILE = "card.json"
LEAST_TOGETHER = 4
"""Texts from which on tagging them together is cheaper than one by one."""


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
            sizes = held["sizes"]
        ends = np.cumsum(sizes).tolist()
        self._starts = [0, *ends[:-1]]
        self._heads = tuple(map(slice, self._starts, ends))
        self._head_of = np.repeat(np.arange(len(sizes)), sizes)
        """Head of each column."""

    @staticmethod
    def write(heads: Sequence[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]], file: Path) -> None:
        """Keeps weights (class x bucket) and bias of each head, in the order of `Scores`.

        The table is float16: half the size, and the sums are made in float32.
        """
        table = np.concatenate([weights for weights, _ in heads]).T.astype(np.float16)
        bias = np.concatenate([one for _, one in heads]).astype(np.float32)
        sizes = np.asarray([len(one) for _, one in heads], dtype=np.int64)
        np.savez(file, table=np.ascontiguousarray(table), bias=bias, sizes=sizes)

    def scores(self, texts: Sequence[Collection[int]]) -> list[Scores]:
        """Probabilities for the hashed features of each text, at least one."""
        sizes = list(map(len, texts))
        rows = np.fromiter(chain.from_iterable(texts), np.int64, sum(sizes)) & (BUCKETS - 1)
        starts = [0, *accumulate(sizes[:-1])]
        sums = np.add.reduceat(self._table.take(rows, axis=0), starts, axis=0)
        sums /= np.sqrt(np.array(sizes, np.float32))[:, None]
        sums += self._bias
        # Of one softmax for each head: a common shift changes none, and float64 holds what is far below it.
        spread = np.exp((sums - np.maximum.reduce(sums, axis=1, keepdims=True)).astype(np.float64))
        spread /= np.add.reduceat(spread, self._starts, axis=1).take(self._head_of, axis=1)
        intent, category, language = self._heads
        return [Scores(one[intent], one[category], one[language]) for one in spread.tolist()]


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
        self._folder = folder
        self._lexicon = Lexicon(frozenset(self.card["vocabulary"]), by_key(self.card["kinds"]))
        self._ledger_words = LedgerWords(frozenset(self.card["ledger_words"]))
        self._classifier = Classifier(folder / CLASSIFIER_FILE)
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open(str(folder / TAGGER_FILE))

    @cached_property
    def _together(self) -> TaggerOfMany:
        return TaggerOfMany(self._folder / TAGGER_FILE, self._lexicon)

    def tag(self, readings: Sequence[Reading]) -> list[tuple[list[str], float]]:
        """For each text, of at least one unit: a label for each unit, and the probability of them all."""
        if len(readings) >= LEAST_TOGETHER:
            return self._together.tag(readings)
        return [self._tag_one(reading) for reading in readings]

    def _tag_one(self, reading: Reading) -> tuple[list[str], float]:
        labels = self._tagger.tag(unit_features(reading, self._lexicon))
        return labels, self._tagger.probability(labels)

    def classify(self, texts: Sequence[tuple[Reading, Sequence[str]]]) -> list[Scores]:
        """Probabilities of intent, category and language for texts with the labels of their units."""
        known = self._ledger_words
        return self._classifier.scores([sentence_hashes(one, labels, known) for one, labels in texts])
