"""The small embedding that every machine has: hashed pieces of words, weighed by their rarity, projected to
128 numbers. Some 20 us a name; it knows spellings, and which words keep company in a shop's messages, but
nothing of the world."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from munshi.contracts.media import EngineInfo
from munshi.inference import EngineMissing, InferenceSettings
from munshi_inference.embeddings.features import BUCKETS, features
from munshi_inference.nlu.repository import ModelError, latest, repository

MODEL_NAME = "embeddings"
PROJECTION = "projection.npy"
CARD = "card.json"

Vectors = npt.NDArray[np.float32]


class SmallEmbedder:
    """The model of one version. Loads in some milliseconds, holds 4 MB."""

    def __init__(self, folder: Path) -> None:
        self._card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        self._projection: Vectors = np.load(folder / PROJECTION).astype(np.float32)
        parts: list[int] = self._card["parts"]
        self._ends = np.cumsum(parts)[:-1]
        self._scale = len(parts) ** 0.5
        if self._projection.shape != (BUCKETS, sum(parts)):
            raise ModelError(f"{folder}: {PROJECTION} is of another shape than {CARD} says")

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo(
            "embeddings",
            "munshi",
            "in-process",
            model=self._card["model"],
            languages=("en", "hi"),
            ready=True,
        )

    async def close(self) -> None:
        """Holds nothing."""

    async def embed(self, texts: tuple[str, ...], tenant: str = "") -> tuple[tuple[float, ...], ...]:
        """One vector a text, of length 1; a text of no words is the zero vector, near to nothing."""
        del tenant  # microseconds: nobody has to wait for his turn
        return tuple(tuple(vector.tolist()) for vector in self.vectors(texts))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """A row a text; the parts of a vector count alike."""
        rows = np.zeros((len(texts), self._projection.shape[1]), np.float32)
        for number, text in enumerate(texts):
            found = features(text)
            if found:
                weights = np.log1p(np.fromiter(found.values(), np.float32, len(found)))
                rows[number] = weights @ self._projection[np.fromiter(found, np.int64, len(found))]
        for part in np.split(rows, self._ends, axis=1):
            lengths = np.linalg.norm(part, axis=1, keepdims=True)
            part /= np.maximum(lengths, 1e-12) * self._scale  # noqa: PLW2901 - a view: written in place
        return rows


def load_small(settings: InferenceSettings) -> SmallEmbedder:
    """The newest version in the model repository. Raises: `EngineMissing`."""
    del settings
    try:
        return SmallEmbedder(latest(repository(), MODEL_NAME))
    except ModelError as error:
        raise EngineMissing(
            EngineInfo("embeddings", "", "", add=f"{error}: make train-embeddings")
        ) from error
