"""Reading of pictures: pages a minute on one core, p50 and p95 of a page, clean and photographed, English,
Hindi and Sinhala; memory of one reader. The pages are drawn; the engines are the machine's."""

import json
import os
import resource
import statistics
from pathlib import Path

from munshi.contracts.media import FileRef, ReadHints

COUNT = 12
"""Pages of each set."""
SEED = 77


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def run() -> dict[str, object]:
    """The figures; seconds are CPU, Tesseract's included."""
    os.environ["OMP_NUM_THREADS"] = "1"
    from munshi_inference.documents.page_reader import PageReader
    from munshi_inference.training.documents import drawn
    from munshi_inference.training.documents.bills import TODAY

    reader = PageReader()
    found: dict[str, object] = {}
    for profile in drawn.PROFILES:
        seconds = []
        for sample in drawn.samples(profile, COUNT, SEED):
            began = _cpu()
            reader.read(
                FileRef("image/jpeg", data=sample.data), ReadHints(languages=sample.languages, today=TODAY)
            )
            seconds.append(_cpu() - began)
        seconds.sort()
        found[profile] = {
            "pages_a_minute": round(60 * len(seconds) / sum(seconds), 1),
            "p50_s": round(statistics.median(seconds), 2),
            "p95_s": round(seconds[int(len(seconds) * 0.95)], 2),
        }
    found["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    found["load"] = round(os.getloadavg()[0], 1)
    return found


def main() -> None:
    """Runs, prints, writes `bench/results/ocr.json`."""
    found = run()
    print(f"{'set':14}{'pages a minute':>16}{'p50 s':>8}{'p95 s':>8}")
    for name, row in found.items():
        if isinstance(row, dict):
            print(f"{name:14}{row['pages_a_minute']:>16}{row['p50_s']:>8}{row['p95_s']:>8}")
    print(
        f"CPU of one core; peak {found['peak_mib']} MiB; {os.cpu_count()} cores at a load of {found['load']}"
    )
    results = Path(__file__).resolve().parent / "results"
    results.mkdir(exist_ok=True)
    (results / "ocr.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
