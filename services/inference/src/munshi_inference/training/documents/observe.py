"""Has drawn documents read by the engines, once; what comes out is kept as JSON lines for training.

python -m munshi_inference.training.documents.observe FILE --seed 100 --count 20 --processes 2
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from munshi.contracts.media import FileKind, ReadHints
from munshi.contracts.understanding import Category
from munshi_inference.documents.page_reader import PageReader
from munshi_inference.documents.pieces import Piece
from munshi_inference.training.documents import drawn
from munshi_inference.training.documents.bills import TODAY, Truth
from munshi_inference.training.documents.drawn import Sample

CHUNK = 10
"""Samples that a process takes at once."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the engines read of a picture whose truth is known."""

    name: str
    profile: str
    truth: Truth
    pieces: tuple[Piece, ...]
    engine: str
    seconds: float
    """CPU of one core, decoding included."""


def observed(reader: PageReader, sample: Sample, profile: str) -> Observation:
    """Reads one sample."""
    hints = ReadHints(languages=sample.languages, today=TODAY)
    began = _cpu()
    read = reader.pieces(sample.data, hints)
    return Observation(sample.name, profile, sample.truth, tuple(read.pieces), read.engine, _cpu() - began)


def _cpu() -> float:
    """CPU seconds of this process and of the programs that it started and that ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


_reader: PageReader | None = None


def _chunk(profile: str, first: int, count: int, seed: int) -> list[Observation]:
    global _reader  # noqa: PLW0603  # one set of models a process
    if _reader is None:
        os.environ["OMP_NUM_THREADS"] = "1"
        _reader = PageReader()
    samples = drawn.samples(profile, count, seed, first=first, others=True)
    return [observed(_reader, sample, profile) for sample in samples]


def observe(
    count: int, seed: int, processes: int, profiles: Sequence[str] = drawn.PROFILES
) -> Iterator[Observation]:
    """`count` documents of each profile, slips and others among them."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(_chunk, profile, first, min(CHUNK, count - first), seed)
            for first in range(0, count, CHUNK)
            for profile in profiles
        ]
        for job in jobs:
            yield from job.result()


def as_json(seen: Observation) -> dict[str, Any]:
    """An observation as plain data."""
    data = asdict(seen)
    data["pieces"] = [
        [p.text, *(round(v, 1) for v in (p.left, p.top, p.right, p.bottom)), round(p.confidence, 4)]
        for p in seen.pieces
    ]
    return data


def from_json(data: dict[str, Any]) -> Observation:
    """The observation again."""
    truth = data["truth"]
    return Observation(
        data["name"],
        data["profile"],
        Truth(
            FileKind(truth["kind"]),
            Category(truth["category"]) if truth["category"] else None,
            Decimal(truth["total"]) if truth["total"] else None,
            date.fromisoformat(truth["day"]) if truth["day"] else None,
            truth["vendor"],
            truth["invoice_no"],
            truth["gstin"],
        ),
        tuple(Piece(*piece) for piece in data["pieces"]),
        data["engine"],
        data["seconds"],
    )


def load(file: Path) -> list[Observation]:
    """The observations of a file."""
    return [from_json(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Draw documents and have them read.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--count", type=int, default=20, help="of each profile")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    with chosen.file.open("w", encoding="utf-8") as out:
        for number, seen in enumerate(observe(chosen.count, chosen.seed, chosen.processes), 1):
            out.write(json.dumps(as_json(seen), ensure_ascii=False, default=str) + "\n")
            if number % CHUNK == 0:
                out.flush()
                sys.stderr.write(f"{number} read in {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
