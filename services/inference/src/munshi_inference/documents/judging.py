"""Kind and category of a document by a small linear model over its letters; calibration of the fields.

Features are hashed: n-grams of letters within words, pairs of words, and words as they sound, in which Hindi
meets English; of a text whose figures are all one sign, so that prices teach nothing. What tells an invoice
from a receipt in any language has features of its own. Training: `munshi_inference.training.documents.train`.
"""

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munshi.contracts.media import FileKind
from munshi.contracts.understanding import Category
from munshi_inference.documents.kind import Classes
from munshi_inference.documents.labels import names_buyer
from munshi_inference.documents.letters import is_devanagari, plain
from munshi_inference.embeddings.sounds import sound

MODEL_NAME = "document_judge"
WEIGHTS_FILE = "weights.npz"
CARD_FILE = "card.json"
BUCKETS = 1 << 15
"""Rows of the weights: some 400 kB in all."""
FORMAL_COUNTS = 4
"""What tells an invoice from a receipt stands once on a page, among hundreds of words."""
LONGEST = 3_000
"""Letters of a text that are looked at."""

_FORMAL: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (f"#{name}", re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("codes", r"\bhsn\b|\bsac\b|एचएसएन"),
        ("place", r"place of supply|state code|reverse charge|e-?way|आपूर्ति का स्थान|राज्य कोड"),
        (
            "terms",
            r"terms|jurisdiction|payable (?:by|within)|due (?:date|by|on)|नियम|शर्त|न्याय|देय तिथि|කොන්දේසි|ණය කාල",
        ),
        ("bank", r"ifsc|a/c no|account no|bank|neft|आईएफएससी|खाता (?:सं|नं)|बैंक|බැංකු|ගිණුම් අංක"),
        ("signed", r"signator|signature|हस्ताक्षर|අත්සන"),
        ("words", r"(?:rupees|inr|in words)\b.{0,80}\bonly\b|amount in words|शब्दों में|मात्र|අකුරින්|පමණි"),
        ("copy", r"original for|duplicate for|for recipient|transporter|मूल प्रति|මුල් පිටපත"),
        ("order", r"\bp\.?o\.? (?:no|date)|order (?:no|ref)|ship to|consignee|despatch|dispatch|आदेश|ඇණවුම්"),
        ("tax invoice", r"tax\s*invoice|gst\s*invoice|कर बीजक|टैक्स इनवॉइस|බදු ඉන්වොයි"),
        ("cash memo", r"cash\s*(?:memo|bill|receipt)|नकद (?:बिल|पर्ची)|नगद|कैश मेमो|මුදල් බිල්"),
        ("time", r"\d:\d\d"),
        ("till", r"cashier|counter|\bpos\b|till|token|change|tender|काउंटर|कैशियर|टोकन|वापस|ඉතිරි|අයකැමි|කවුන්ටර"),
    )
)
"""What accounting tells an invoice from a till's receipt by, whatever the language."""
_TAX_NUMBER = re.compile(r"\b\d\d[A-Z]{5}\d{4}[A-Z]\w{3}\b")
_PAISE = re.compile(r"\d[.,]\d\d(?!\d)")
_WORD = re.compile(r"[^\W\d_]+|\d+|[₹$%#@]")


def _grams(text: str) -> Iterator[str]:
    words = ["0" if word.isdigit() else word for word in _WORD.findall(plain(text[:LONGEST]).casefold())]
    yield f"#lines{min(text.count(chr(10)) // 4, 8)}"
    yield f"#money{min(len(_PAISE.findall(text)) // 2, 10)}"
    if any(names_buyer(row) for row in text.split("\n")):
        yield "#buyer"
    for name, pattern in _FORMAL:
        if pattern.search(text):
            yield from (name,) * FORMAL_COUNTS
    yield f"#tax numbers{min(len(set(_TAX_NUMBER.findall(text))), 2)}"
    for word in words:
        framed = f" {word} "
        yield framed
        if is_devanagari(word[0]) or word.isascii():
            yield f"@{sound(word)}"
        if len(word) > 3:
            yield from (framed[i : i + 4] for i in range(len(framed) - 3))
    yield from (f"{first}+{second}" for first, second in pairwise(words))


def features(text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Buckets of a text and their values; the values' squares add up to 1."""
    counted = Counter(zlib.crc32(gram.encode()) % BUCKETS for gram in _grams(text))
    rows = np.fromiter(sorted(counted), np.int64, len(counted))
    values = np.asarray([1 + math.log(counted[int(row)]) for row in rows], np.float32)
    length = float(np.linalg.norm(values)) or 1.0
    return rows, values / np.float32(length)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A field's raw confidence to a probability: a logistic curve over its log odds."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, raw: float) -> float:
        """The probability."""
        odds = math.log(min(max(raw, 1e-4), 1 - 1e-4) / (1 - min(max(raw, 1e-4), 1 - 1e-4)))
        return 1 / (1 + math.exp(-(self.slope * odds + self.offset)))


class LinearJudge:
    """The trained model of one version."""

    def __init__(self, folder: Path) -> None:
        """Loads it. Raises OSError, KeyError, ValueError: it is not whole."""
        self.card: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as stored:
            self._kind = stored["kind"].astype(np.float32)
            self._category = stored["category"].astype(np.float32)
            self._offsets = (
                stored["kind_offset"].astype(np.float32),
                stored["category_offset"].astype(np.float32),
            )
        self._kinds = tuple(FileKind(name) for name in self.card["kinds"])
        self._categories = tuple(Category(name) for name in self.card["categories"])
        self.total_weights: tuple[float, ...] = tuple(self.card["total_weights"])
        self.calibration: Mapping[str, Calibration] = {
            name: Calibration(*pair) for name, pair in self.card["calibration"].items()
        }

    def judge(self, text: str) -> Classes:
        """Kind and category of a document's text."""
        rows, values = features(text)
        kinds = _softmax(values @ self._kind[rows] + self._offsets[0])
        kind = int(kinds.argmax())
        if self._kinds[kind] is FileKind.OTHER:
            return Classes(FileKind.OTHER, float(kinds[kind]), None, 0.0)
        categories = _softmax(values @ self._category[rows] + self._offsets[1])
        category = int(categories.argmax())
        return Classes(
            self._kinds[kind], float(kinds[kind]), self._categories[category], float(categories[category])
        )


def _softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers = np.exp(scores - scores.max())
    shares: npt.NDArray[np.float32] = powers / powers.sum()
    return shares
