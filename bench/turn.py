"""A whole turn on one core: load, LangGraph with the NLU, commit, send to a stub, settle.

The real orchestrator as one process, PostgreSQL (commits waited for, not fsynced) and NATS from their wheels,
a stub of the Graph API in a process of its own. Messages, no two alike, wait on the bus before the worker
starts; measured is what lies between the first tenth of the replies and the last: wall time, and CPU of the
worker's process. Each round is run twice, plain and with a meter on the assistant's graph (understanding and
what it reads of the books included), which gives the share of the graph; both kinds begin with a worker that
has not warmed up. `turns/s a core` is 1 / CPU of a turn.

`python -m bench.turn --against PYTHON` compares this version with another one instead, by whose PYTHON it is
run (a clone with its own `.venv`): both as two workers of one cell, at once and on one core, so that whatever
else runs on the machine touches both alike.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
import uvloop

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from bench._stage import NUMBERS, BenchStage, bench_stage
from rig.services import Service

RESULTS = Path(__file__).resolve().parent / "results"
PEOPLE = 300
EACH = 8
ROUNDS = 3
COMPARED = 5
TEXT = "Ramesh ko {} ka maal udhaar diya"


async def whole(stage: BenchStage, name: str, meter: Path | None = None) -> dict[str, float]:
    """One round: CPU and wall time of a turn over all messages."""
    total = PEOPLE * EACH
    await stage.put(TEXT, PEOPLE, EACH, name)
    before = await stage.accepted()
    worker = stage.worker(meter)
    process = psutil.Process(worker.pid)
    try:
        first = await stage.until_accepted(before + total // 10)
        cpu, wall = _cpu(process), time.perf_counter()
        last = await stage.until_accepted(before + total)
        spent, took = _cpu(process) - cpu, time.perf_counter() - wall
        memory = process.memory_info().rss
    finally:
        worker.stop()
    turns = last - first
    return {
        "cpu_ms": spent / turns * 1e3,
        "turns_per_second": turns / took,
        "turns_per_second_core": turns / spent,
        "memory_mb": memory / 2**20,
    }


async def compared(stage: BenchStage, other: str) -> list[float]:
    """CPU of a turn here as a share of one there, round by round; the first round only warms both up."""
    core = max(os.sched_getaffinity(0))
    workers = [
        stage.beside(f"bench-{place}", python, core) for place, python in enumerate((sys.executable, other))
    ]
    while True:
        lanes = [await stage.figure(worker, "munshi_lanes") for worker in workers]
        if min(lanes) >= stage.connection.cell.partitions // 2:
            break
        await asyncio.sleep(0.2)
    shares = []
    for number in range(COMPARED + 1):
        accepted = await stage.accepted()
        before = [await _spent(stage, worker) for worker in workers]
        await stage.put(TEXT, PEOPLE, EACH, f"compared{number}")
        await stage.until_accepted(accepted + PEOPLE * EACH)
        after = [await _spent(stage, worker) for worker in workers]
        here, there = (
            (cpu - cpu_before) / (turns - turns_before) * 1e3
            for (cpu, turns), (cpu_before, turns_before) in zip(after, before, strict=True)
        )
        print(f"here {here:.2f} ms a turn, there {there:.2f} ms: {here / there:.3f}", flush=True)
        shares.append(here / there)
    for worker in workers:
        worker.stop()
    return shares[1:]


async def _spent(stage: BenchStage, worker: Service) -> tuple[float, float]:
    return _cpu(psutil.Process(worker.pid)), await stage.figure(worker, "munshi_turns_total")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def compare(other: str) -> None:
    """Prints how both versions compare."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_stage(Path(folder)) as stage:
            shares = await compared(stage, other)
    print(f"a turn here costs {statistics.median(shares):.2f} of one there, median of {len(shares)} rounds")


async def main() -> None:
    """Prints the table and writes `results/turn.json`."""
    with tempfile.TemporaryDirectory() as folder:
        meter = Path(folder) / "meter.json"
        async with bench_stage(Path(folder)) as stage:
            rounds, shares = [], []
            for number in range(ROUNDS):
                rounds.append(await whole(stage, f"plain{number}"))
                await whole(stage, f"metered{number}", meter)
                metered = json.loads(meter.read_text())
                shares.append(metered["turn_ms"] / metered["graph_ms"])
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    result["cpu_to_graph"] = statistics.median(shares)
    print(f"{PEOPLE * EACH} messages of {PEOPLE} people on {len(NUMBERS)} numbers, median of {ROUNDS} rounds")
    print(f"whole turn, CPU of the worker     {result['cpu_ms']:8.2f} ms")
    print(f"against its own LangGraph run     {result['cpu_to_graph']:8.2f} x    (asked at most 2)")
    print(
        f"turns a second and core           {result['turns_per_second_core']:8.0f}      (asked 400, aim 600)"
    )
    print(f"turns a second, wall              {result['turns_per_second']:8.0f}")
    print(f"memory under load                 {result['memory_mb']:8.0f} MB")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "turn.json").write_text(json.dumps({"rounds": rounds, "median": result}, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", metavar="PYTHON", help="compare with the version of this interpreter")
    given = parser.parse_args()
    uvloop.run(compare(given.against) if given.against else main())
