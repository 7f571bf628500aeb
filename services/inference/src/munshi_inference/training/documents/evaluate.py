"""Scores the readers: `python -m munshi_inference.training.documents.evaluate [--pictures FOLDER]`.

Prints, for each set, shares right of the total, day, vendor, bill number, GSTIN, kind and category, and the
CPU seconds of a page on one core. Sets: what the generator draws (with a seed that training never uses), and
a folder of pictures with a `truth.json` (`tests/documents/handmade.py` makes the hand-made one).
"""

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from munshi.contracts.media import Document, FileKind, FileRef, ReadHints
from munshi.contracts.understanding import Category
from munshi_inference.documents.letters import plain
from munshi_inference.documents.page_reader import PageReader, Read
from munshi_inference.training.documents import drawn
from munshi_inference.training.documents.bills import TODAY, Truth
from munshi_inference.training.documents.drawn import Sample
from munshi_inference.training.documents.observe import Observation, load, observe

SEED = 10
"""Of the drawn sets. Training takes another; mistakes on the pages of 9, 500 and 777 were looked at."""

MEASURES = ("total", "date", "vendor", "invoice_no", "gstin", "kind", "category")
SAME_NAME = 90.0
"""Similarity, 0 to 100, from which a vendor's name is right: one misread letter in ten."""


@dataclass(slots=True)
class Score:
    """Counts of right and asked; seconds of each page; what came out wrong."""

    right: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    sure: list[tuple[float, bool]] = field(default_factory=list)
    """Confidence of each total found, and whether it was right."""

    def share(self, measure: str) -> float | None:
        """Right of asked, 0 to 1; None when never asked."""
        return self.right.get(measure, 0) / self.asked[measure] if self.asked.get(measure) else None


def same_name(expected: str, found: str | None) -> bool:
    """Whether two spellings of a vendor are the same name."""
    if found is None:
        return False
    a, b = (
        re.sub(r"\W+", " ", plain(name).casefold(), flags=re.UNICODE).strip() for name in (expected, found)
    )
    return bool(fuzz.ratio(a, b) >= SAME_NAME)


def same_number(expected: str, found: str | None) -> bool:
    """Whether two bill numbers are the same but for punctuation."""
    squeeze = re.compile(r"[^0-9A-Z]")
    return found is not None and squeeze.sub("", expected.upper()) == squeeze.sub("", found.upper())


def compare(truth: Truth, document: Document) -> dict[str, bool]:
    """Which measures apply to a document, and whether each is right. Total and GSTIN must be absent where
    there is none; of what is no business document only the kind is asked."""
    found = document.fields
    result = {"kind": truth.kind == document.kind}
    if truth.kind is FileKind.OTHER:
        return result
    result["total"] = truth.total == found.total
    result["gstin"] = truth.gstin == found.gstin
    if truth.day is not None:
        result["date"] = truth.day == found.date
    if truth.vendor is not None:
        result["vendor"] = same_name(truth.vendor, found.vendor)
    if truth.invoice_no is not None:
        result["invoice_no"] = same_number(truth.invoice_no, found.invoice_no)
    if truth.category is not None:
        result["category"] = truth.category == document.category
    return result


def _shown(name: str, truth: Truth, document: Document) -> str:
    found = document.fields
    wanted: dict[str, Any] = {
        "total": truth.total,
        "date": truth.day,
        "vendor": truth.vendor,
        "invoice_no": truth.invoice_no,
        "gstin": truth.gstin,
    }
    pairs = [f"{key}: {getattr(found, key)} (wanted {value})" for key, value in wanted.items()]
    kinds = f"{document.kind}/{document.category} (wanted {truth.kind}/{truth.category})"
    return f"{name}: {'; '.join(pairs)}; {kinds}"


def add(score: Score, name: str, truth: Truth, document: Document, seconds: float) -> None:
    """Counts one document in."""
    result = compare(truth, document)
    for measure, right in result.items():
        score.asked[measure] = score.asked.get(measure, 0) + 1
        score.right[measure] = score.right.get(measure, 0) + right
    score.seconds.append(seconds)
    if "total" in result and document.fields.total is not None:
        score.sure.append((document.confidences["total"], result["total"]))
    bad = [measure for measure, right in result.items() if not right]
    if bad:
        score.wrong.append(f"[{','.join(bad)}] {_shown(name, truth, document)}")


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def evaluate(reader: PageReader, samples: Iterable[Sample]) -> Score:
    """Reads and scores every sample."""
    score = Score()
    for sample in samples:
        began = _cpu()
        document = reader.read(
            FileRef("image/jpeg", data=sample.data), ReadHints(languages=sample.languages, today=TODAY)
        )
        add(score, sample.name, sample.truth, document, _cpu() - began)
    return score


def add_observed(scores: dict[str, Score], reader: PageReader, observed: Iterable[Observation]) -> None:
    """Scores what engines read, by profile."""
    hints = ReadHints(today=TODAY)
    for seen in observed:
        began = _cpu()
        document = reader.understood(Read(list(seen.pieces), 1, seen.engine), hints)
        score = scores.setdefault(seen.profile, Score())
        add(score, seen.name, seen.truth, document, seen.seconds + _cpu() - began)


def truth_of(entry: dict[str, Any]) -> Truth:
    """A document's truth from its entry in `truth.json`."""
    return Truth(
        FileKind(entry["kind"]),
        Category(entry["category"]) if entry.get("category") else None,
        Decimal(entry["total"]) if entry.get("total") else None,
        date.fromisoformat(entry["date"]) if entry.get("date") else None,
        entry.get("vendor"),
        entry.get("invoice_no"),
        entry.get("gstin"),
    )


def pictures(folder: Path) -> Iterator[tuple[str, Sample]]:
    """A folder's pictures `<name>.<way>.jpg`, each with its set's name: language and way."""
    entries = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    for file in sorted(folder.glob("*.jpg")):
        name, way = file.name.split(".")[:2]
        entry = entries[name]
        languages = tuple(dict.fromkeys((entry["language"], "en", "hi")))
        yield (
            f"hand-made {entry['language']} {way}",
            Sample(file.name, file.read_bytes(), truth_of(entry), languages),
        )


def report(scores: dict[str, Score]) -> str:
    """The tables, as text."""
    lines = [
        f"{'':22}{'pages':>6}"
        + "".join(f"{m:>11}" for m in MEASURES)
        + f"{'p50 s':>8}{'p95 s':>8}{'a minute':>9}"
    ]
    for name, score in scores.items():
        shares = (score.share(measure) for measure in MEASURES)
        cells = "".join(f"{'-' if share is None else f'{share:.1%}':>11}" for share in shares)
        ordered = sorted(score.seconds)
        p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
        rate = 60 * len(ordered) / sum(ordered)
        lines.append(f"{name:22}{len(ordered):>6}{cells}{p50:>8.2f}{p95:>8.2f}{rate:>9.0f}")
    sure = [pair for score in scores.values() for pair in score.sure]
    lines.append("")
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        rights = [right for confidence, right in sure if low <= confidence < high]
        lines.append(
            f"confidence of the total {low:.2f} to {min(high, 1):.2f}: {sum(rights)} of {len(rights)} right"
        )
    load = os.getloadavg()[0]
    lines.append(f"seconds are CPU of one core; {os.cpu_count()} cores at a load of {load:.0f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Score the readers of documents.")
    parser.add_argument("--pictures", type=Path, help="a folder with pictures and truth.json")
    parser.add_argument("--count", type=int, default=200, help="drawn documents of each profile")
    parser.add_argument("--seed", type=int, default=SEED, help="of what is drawn")
    parser.add_argument("--profiles", nargs="+", choices=drawn.PROFILES, default=drawn.PROFILES)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--observed", type=Path, help="what `observe` wrote, instead of drawing")
    parser.add_argument("--wrong", action="store_true", help="print what came out wrong")
    chosen = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    began, reader = time.monotonic(), PageReader()
    scores: dict[str, Score] = {}
    if chosen.observed is not None:
        add_observed(scores, reader, load(chosen.observed))
    elif chosen.count:
        add_observed(scores, reader, observe(chosen.count, chosen.seed, chosen.processes, chosen.profiles))
    if chosen.pictures is not None:
        by_set: dict[str, list[Sample]] = {}
        for name, sample in pictures(chosen.pictures):
            by_set.setdefault(name, []).append(sample)
        scores |= {name: evaluate(reader, samples) for name, samples in by_set.items()}
    sys.stdout.write(report(scores) + f"; {time.monotonic() - began:.0f} s in all\n")
    if chosen.wrong:
        sys.stdout.write("\n".join(line for score in scores.values() for line in score.wrong) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
