"""A whole turn on one core: load, LangGraph with the NLU, commit, send to a stub, settle.

The real orchestrator as one process, PostgreSQL (commits waited for, not fsynced) and NATS from their wheels,
a stub of the Graph API in a process of its own. Messages, no two alike, wait on the bus before the worker
starts; measured is what lies between the first tenth of the replies and the last: wall time, and CPU of the
worker's process. The parts are measured in this process, each alone. `turns/s a core` is 1 / CPU of a turn.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from bench._stage import NUMBERS, BenchStage, bench_stage
from munshi.contracts.assistant import Said, SaidKind, TurnInput, Usage
from munshi.contracts.ids import MessageID, TenantKey
from munshi.contracts.tenant import AssistantKind
from munshi.contracts.understanding import Request
from munshi.db.ledger import LedgerBooks
from munshi_orchestrator.main import build_assistants, load_engine
from rig.cells import tenant_document

RESULTS = Path(__file__).resolve().parent / "results"
PEOPLE = 300
EACH = 8
ROUNDS = 3
TEXT = "Ramesh ko {} ka maal udhaar diya"


async def whole(stage: BenchStage, round_number: int) -> dict[str, float]:
    """One round: CPU and wall time of a turn over all messages."""
    total = PEOPLE * EACH
    await stage.put(TEXT, PEOPLE, EACH, f"r{round_number}")
    before = await stage.accepted()
    worker = stage.worker()
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


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def alone(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """CPU of one call in ms, one after the other, median of rounds after a warm-up."""
    rounds = []
    for _ in range(calls // 3):
        await call()
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            await call()
        rounds.append((time.process_time() - began) / calls * 1e3)
    return statistics.median(rounds)


async def parts() -> dict[str, float]:
    """CPU of the parts that compute, in ms."""
    engine = load_engine("nlu")
    assistant = build_assistants(engine)[AssistantKind.LEDGER]
    now, spec = datetime.now(UTC), tenant_document(name="bench").spec
    nobody: Any = None
    numbers = iter(range(100, 10**9))

    async def turn() -> None:
        number = next(numbers)
        said = Said(
            message_id=MessageID(f"wamid.{number}"), kind=SaidKind.TEXT, at=now, text=TEXT.format(number)
        )
        await assistant.turn(
            TurnInput(
                tenant=TenantKey("shops_bench"),
                spec=spec,
                now=now,
                person_name="Ravi",
                language=None,
                said=(said,),
                state={},
                usage=Usage(),
                reader=LedgerBooks(nobody, TenantKey("shops_bench"), None),
            )
        )

    async def understand() -> None:
        # No text comes twice: the engine's cache would answer.
        await engine.understand(
            Request(text=f"Ramesh ko {next(numbers)} ka maal udhaar diya", today=now.date())
        )

    return {"graph_ms": await alone(turn, 600), "understand_ms": await alone(understand, 600)}


async def main() -> None:
    """Prints the table and writes `results/turn.json`."""
    computed = await parts()
    with tempfile.TemporaryDirectory() as folder:
        async with bench_stage(Path(folder)) as stage:
            rounds = [await whole(stage, number) for number in range(ROUNDS)]
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]} | computed
    result["rest_to_graph"] = (result["cpu_ms"] - result["graph_ms"]) / result["graph_ms"]
    print(f"{PEOPLE * EACH} messages of {PEOPLE} people on {len(NUMBERS)} numbers, median of {ROUNDS} rounds")
    print(f"whole turn, CPU of the worker     {result['cpu_ms']:8.2f} ms")
    print(f"  of it the assistant (LangGraph) {result['graph_ms']:8.2f} ms, one turn of a new person, alone")
    print(f"  of it understanding             {result['understand_ms']:8.2f} ms, texts that are not cached")
    print(f"the rest against the assistant    {result['rest_to_graph']:8.2f} x")
    print(f"turns a second and core           {result['turns_per_second_core']:8.0f}   (asked 400, aim 600)")
    print(f"turns a second, wall              {result['turns_per_second']:8.0f}")
    print(f"memory under load                 {result['memory_mb']:8.0f} MB")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "turn.json").write_text(json.dumps({"rounds": rounds, "median": result}, indent=2) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
