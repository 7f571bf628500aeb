"""Scores a file of labelled sentences: `python -m munshi_inference.training.evaluate FILE.jsonl`.

Prints shares right (intent, amount, customer name, category, date, currency, bill number), each by language,
a confusion table and the time of one utterance. Prints no sentence unless `--wrong` asks for the wrong ones.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from munshi.contracts.understanding import Request, Understanding
from munshi_inference.language.honorifics import strip_honorifics
from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.repository import LedgerModel, latest, repository

MEASURES = ("intent", "amount", "customer_name", "category", "date", "currency", "invoice_no")


@dataclass(slots=True)
class Score:
    """Counts of right and asked, by measure and language."""

    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    confusion: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[str] = field(default_factory=list)
    calibration: list[tuple[float, bool]] = field(default_factory=list)

    def share(self, measure: str, language: str = "all") -> float | None:
        """Right of asked, 0 to 1; None when never asked."""
        asked = self.asked[measure, language]
        return self.right[measure, language] / asked if asked else None


def _same_name(expected: str | None, found: str | None) -> bool:
    if expected is None or found is None:
        return expected is found
    return strip_honorifics(expected).casefold() == strip_honorifics(found).casefold()


def compare(expected: dict[str, Any], reading: Understanding) -> dict[str, bool]:
    """Which measures apply to a sentence, and whether each is right.

    Amount, name, date and bill number are asked of every sentence (absent must be absent); the category where
    the sentence decides it; a currency only where one is expected.
    """
    entities = reading.entities
    amount = expected.get("amount")
    result = {
        "intent": reading.intent.value == expected["intent"],
        "amount": (Decimal(amount) if amount is not None else None) == entities.amount,
        "customer_name": _same_name(expected.get("customer_name"), entities.customer_name),
        "date": expected.get("date") == entities.date,
        "invoice_no": expected.get("invoice_no") == entities.invoice_no,
    }
    if "category" in expected:
        result["category"] = expected["category"] == entities.category
    if "currency" in expected:
        result["currency"] = expected["currency"] == entities.currency
    return result


def evaluate(engine: LedgerEngine, lines: Sequence[dict[str, Any]]) -> Score:
    """Scores every line."""
    score = Score()
    for line in lines:
        reading = engine.read(Request(text=line["text"], today=date.fromisoformat(line["today"])))
        result = compare(line["expect"], reading)
        for measure, right in result.items():
            for language in ("all", line["lang"]):
                score.asked[measure, language] += 1
                score.right[measure, language] += right
        score.confusion[line["expect"]["intent"]][reading.intent.value] += 1
        score.calibration.append((reading.confidence, all(result.values())))
        if not all(result.values()):
            bad = [m for m, right in result.items() if not right]
            found = {
                "intent": reading.intent.value,
                **reading.entities.model_dump(mode="json", exclude_none=True),
            }
            head = f"{line['id']} {','.join(bad)} {reading.confidence:.2f}"
            score.wrong.append(f"{head} | {line['text']} | {found} | wanted {line['expect']}")
    return score


def named_only(lines: Sequence[dict[str, Any]], engine: LedgerEngine, entity: str) -> float | None:
    """Share right among the sentences that name an entity."""
    asked = [line for line in lines if entity in line["expect"]]
    if not asked:
        return None
    right = sum(
        compare(
            line["expect"], engine.read(Request(text=line["text"], today=date.fromisoformat(line["today"])))
        )[entity]
        for line in asked
    )
    return right / len(asked)


def timings(engine: LedgerEngine, lines: Sequence[dict[str, Any]]) -> list[float]:
    """Sorted milliseconds of CPU time for one utterance each, after warming up."""
    requests = [Request(text=line["text"], today=date.fromisoformat(line["today"])) for line in lines]
    for request in requests:
        engine.read(request)
    measured = []
    for request in requests * 3:
        began = time.process_time_ns()
        engine.read(request)
        measured.append((time.process_time_ns() - began) / 1e6)
    return sorted(measured)


def _percent(share: float | None) -> str:
    return "   -  " if share is None else f"{share:6.1%}"


def report(score: Score, lines: Sequence[dict[str, Any]], engine: LedgerEngine) -> str:
    """The tables, as text."""
    languages = ["all", *sorted({line["lang"] for line in lines})]
    out = [f"{len(lines)} sentences", f"{'':22}" + "".join(f"{name:>10}" for name in languages)]
    for measure in MEASURES:
        shares = "".join(f"{_percent(score.share(measure, name)):>10}" for name in languages)
        out.append(f"{measure:22}{shares}")
    for entity in ("amount", "customer_name", "date"):
        share = _percent(named_only(lines, engine, entity))
        out.append(f"{entity + ', where named':22}{share:>10}")
    intents = list(score.confusion)
    out += ["", "confusion (rows wanted, columns found)"]
    columns = sorted({f for row in score.confusion.values() for f in row})
    out.append(f"{'':24}" + "".join(f"{c[:9]:>10}" for c in columns))
    for wanted in intents:
        row = score.confusion[wanted]
        out.append(f"{wanted:24}" + "".join(f"{row[c] or '.':>10}" for c in columns))
    sure = [right for confidence, right in score.calibration if confidence >= 0.8]
    unsure = [right for confidence, right in score.calibration if confidence < 0.8]
    out += ["", f"all right at confidence >= 0.8: {_ratio(sure)}; below: {_ratio(unsure)}"]
    times = timings(engine, lines)
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.append(
        f"CPU of one utterance: p50 {p50:.2f} ms, p95 {p95:.2f} ms; {os.cpu_count()} cores; "
        f"peak {rss:.0f} MiB"
    )
    return "\n".join(out)


def _ratio(rights: Sequence[bool]) -> str:
    return f"{sum(rights)} of {len(rights)}"


def load_lines(file: Path) -> list[dict[str, Any]]:
    """The labelled sentences of a file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Score the Ledger's model on labelled sentences.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--models", type=Path, default=repository())
    parser.add_argument("--wrong", action="store_true", help="print the sentences that came out wrong")
    chosen = parser.parse_args(arguments)
    lines = load_lines(chosen.file)
    engine = LedgerEngine(LedgerModel(latest(chosen.models)))
    score = evaluate(engine, lines)
    sys.stdout.write(report(score, lines, engine) + "\n")
    if chosen.wrong:
        sys.stdout.write("\n".join(["", *score.wrong, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
