"""The understanding by a fine-tuned encoder (IndicBERT, MuRIL): units, assembly and confidence of the small
model, one network in place of tagger and classifier. `training/finetune.py` makes its folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from munshi.errors import UserMistake
from munshi_inference.nlu.assembly import Labelled
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.repository import CARD_FILE, LedgerModel, Scores
from munshi_inference.nlu.units import Reading

KIND = "encoder"
"""What such a model's card says it is."""
NETWORK_FILE = "encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    spread = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: npt.NDArray[np.float32] = spread / spread.sum(axis=-1, keepdims=True)
    return shares


class EncoderModel:
    """Network and tokenizer of one version. Not for several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Raises: UserMistake: what reads its tokens is not installed."""
        import onnxruntime as ort

        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise UserMistake("a fine-tuned model needs: pip install 'munshi-inference[encoder]'") from error
        self.card: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        self.intents: tuple[str, ...] = tuple(self.card["intents"])
        self.categories: tuple[str, ...] = tuple(self.card["categories"])
        self.languages: tuple[str, ...] = tuple(self.card["languages"])
        self.labels: tuple[str, ...] = tuple(self.card["labels"])
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(int(self.card["max_tokens"]))
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(folder / NETWORK_FILE), options, providers=["CPUExecutionProvider"]
        )

    def run(self, words: Sequence[str]) -> tuple[list[str], float, Scores]:
        """A label for each word, the probability of all of them, and the scores of the whole. A word beyond
        the longest text is no part of an entry."""
        encoding = self._tokenizer.encode(list(words), is_pretokenized=True)
        ids = np.asarray([encoding.ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        tags, *heads = self._session.run(["tags", "intent", "category", "language"], given)
        shares = _softmax(tags[0])
        labels, certainty, seen = ["O"] * len(words), 1.0, set()
        for position, word in enumerate(encoding.word_ids):
            if word is not None and word not in seen:
                seen.add(word)
                best = int(shares[position].argmax())
                labels[word] = self.labels[best]
                certainty *= float(shares[position][best])
        intent, category, language = (_softmax(head[0]).tolist() for head in heads)
        return labels, certainty, Scores(intent, category, language)


class EncoderEngine(LedgerEngine):
    """Reads texts with a fine-tuned encoder."""

    def __init__(self, model: EncoderModel) -> None:
        super().__init__(cast("LedgerModel", model))  # what of it is used here, both have
        self._encoder = model

    def _tag(self, readings: Sequence[Reading]) -> list[tuple[list[str], float]]:
        return [self._run(reading)[:2] for reading in readings]

    def _classify(self, labelled: Sequence[Labelled]) -> list[Scores]:
        return [self._run(one.reading)[2] for one in labelled]

    def _run(self, reading: Reading) -> tuple[list[str], float, Scores]:
        return self._encoder.run([unit.text for unit in reading.units])
