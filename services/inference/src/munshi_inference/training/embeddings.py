"""Makes the small embedding: `python -m munshi_inference.training.embeddings`. Same seed, same space.

The corpus is the generator's sentences, and names of persons and shops as they are written; its features are
weighed by rarity. Half of a vector is a truncated SVD of them (latent semantic analysis): which words keep
company. The other half is a random projection, which keeps what the words are written like.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

from munshi_inference.embeddings.features import BUCKETS, features
from munshi_inference.embeddings.small import CARD, MODEL_NAME, PROJECTION
from munshi_inference.language.devanagari import to_devanagari
from munshi_inference.nlu.repository import repository
from munshi_inference.training.fillers import fill
from munshi_inference.training.generator import WRITINGS, sentences
from munshi_inference.training.people import words

SEED = 20261121
SENTENCES = 30_000
NAMES = 30_000
SHOPS = 20_000
HALF = 64
VERSION = "2"
_TRADES = (
    "traders|stores|general store|kirana store|medical|medicos|pharmacy|restaurant|hotel|enterprises|agency|"
    "and sons|bros|bakery|sweets|electricals|pvt ltd|textiles|supermarket|mart|provision store|hardware|"
    "petroleum|filling station|dairy|vegetables|stationers|mobile|garments|jewellers|motors|auto parts"
).split("|")
"""How the names of businesses end."""


def corpus(rng: random.Random) -> list[str]:
    """Sentences, and names on their own."""
    texts = [sentence.text for sentence in sentences(SENTENCES, SEED)]
    for _ in range(NAMES):
        pieces = fill("name", "", rng.choice(WRITINGS), rng)
        texts.append("".join(text for text, _ in pieces))
    return texts + [_shop(rng) for _ in range(SHOPS)]


def _shop(rng: random.Random) -> str:
    """A business as its bills name it."""
    lists = ("first_names", "last_names", "shop_adjectives", "shops", "cities")
    begins = [word for word in words(rng.choice(lists)) if "{" not in word]  # some are patterns of shops
    written_in = rng.choice((str.title, str.upper, to_devanagari))
    return written_in(f"{rng.choice(begins)} {rng.choice(_TRADES)}")


def matrix_of(texts: Sequence[str]) -> Any:
    """A row a text, a column a bucket."""
    data: list[float] = []
    columns: list[int] = []
    ends = [0]
    for text in texts:
        found = features(text)
        columns += found.keys()
        data += np.log1p(np.fromiter(found.values(), np.float32, len(found))).tolist()
        ends.append(len(columns))
    return csr_matrix((data, columns, ends), shape=(len(texts), BUCKETS), dtype=np.float32)


def train(texts: Sequence[str]) -> Any:
    """The projection: a row a bucket, two halves of columns."""
    counts = matrix_of(texts)
    appears = np.asarray((counts > 0).sum(axis=0)).ravel()
    rarity = np.log((1 + len(texts)) / (1 + appears)) + 1
    weighed = counts.multiply(rarity).tocsr()
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    weighed = weighed.multiply(1 / np.maximum(lengths, 1e-9)[:, None]).tocsr()
    svd = TruncatedSVD(HALF, algorithm="randomized", n_iter=7, random_state=SEED).fit(weighed)
    # Whitened: the first directions are those of everyday words, and names live in the others.
    company = (svd.components_ / svd.singular_values_[:, None]).T
    writing = np.random.default_rng(SEED).standard_normal((BUCKETS, HALF))
    halves = [half / np.abs(half).max() for half in (company * rarity[:, None], writing * rarity[:, None])]
    return np.hstack(halves)


def save(projection: Any, folder: Path) -> None:
    """Writes the version into the model repository."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / PROJECTION, projection.astype(np.float16))
    digest = hashlib.sha256((folder / PROJECTION).read_bytes()).hexdigest()
    card = {
        "model": f"munshi-small-{VERSION}",
        "parts": [HALF, HALF],
        "buckets": BUCKETS,
        "seed": SEED,
        "corpus": {"sentences": SENTENCES, "names": NAMES, "shops": SHOPS},
        "sha256": digest,
    }
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Make the small embedding again.")
    default = repository() / MODEL_NAME / VERSION
    parser.add_argument("--out", type=Path, default=default, help="folder of the version")
    options = parser.parse_args(arguments)
    save(train(corpus(random.Random(SEED))), options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
