"""The model repository: versions of a model under `models/<name>/<version>/`, each with a card.

Importable without Triton; the layout is the one that Triton's python backend takes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from munshi_inference.nlu.features import Lexicon

MODEL_NAME = "ledger_nlu"
CLASSIFIER_FILE = "intent.onnx"
TAGGER_FILE = "entities.crfsuite"
CARD_FILE = "card.json"
_OUTPUTS = ("intent", "category", "language")


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


@dataclass(frozen=True, slots=True)
class Scores:
    """What the classifier says of one reading: probabilities by class."""

    intent: list[float]
    category: list[float]
    language: list[float]


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
        import onnxruntime as ort
        import pycrfsuite

        self.card: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        self.intents: tuple[str, ...] = tuple(self.card["intents"])
        self.categories: tuple[str, ...] = tuple(self.card["categories"])
        self.languages: tuple[str, ...] = tuple(self.card["languages"])
        self.lexicon = Lexicon(frozenset(self.card["vocabulary"]), by_key(self.card["kinds"]))
        self.ledger_words = frozenset(self.card["ledger_words"])
        """Keys of words that talk of the ledger uses."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            str(folder / CLASSIFIER_FILE), options, providers=["CPUExecutionProvider"]
        )
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open(str(folder / TAGGER_FILE))

    def tag(self, features: list[list[str]]) -> tuple[list[str], float]:
        """A label for each unit and the probability of the whole sequence."""
        if not features:
            return [], 1.0
        labels = list(self._tagger.tag(features))
        return labels, float(self._tagger.probability(labels))

    def classify(self, rows: list[int]) -> Scores:
        """Probabilities of intent, category and language for hashed features."""
        indices = np.asarray(rows, dtype=np.int64)
        intent, category, language = self._session.run(_OUTPUTS, {"rows": indices})
        return Scores(intent.tolist(), category.tolist(), language.tolist())
