"""The understanding over Triton: rate and latency through the client, and texts beside a flood of pictures.

The real tritonserver out of its wheel with the model `ledger_nlu`, one instance, so that one core reads; the
client is `TritonUnderstander` without the answers it keeps: each text is read. Texts are the hand-written
sets of `tests/understanding`, no two of a round alike. CPU is what the processes themselves account for: the
server with its model on one side, the client on the other. `texts/s a core` is 1 / CPU of a text, both sides
together.

The flood: pictures of one tenant, read by a stand-in for the model `documents` that computes for 0.3 s each,
as OCR does, at the priority that files have in Triton; beside it another tenant's texts, 50 a second.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import psutil
import uvloop

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from munshi.contracts.media import EngineInfo, FileRef, ReadHints
from munshi.contracts.understanding import Request, Understander, Understanding
from munshi_inference.nlu.engine import load
from munshi_inference.triton.engines import TritonReader, TritonUnderstander
from rig.triton import TritonServer, repository_with

RESULTS = Path(__file__).resolve().parent / "results"
SETS = Path(__file__).resolve().parent.parent / "tests" / "understanding"
TODAY = date(2026, 11, 21)
ROUNDS = 3
AT_ONCE = 64
PACE = 50.0
"""Texts a second beside the flood."""
SECONDS = 6.0
INFO = EngineInfo("nlu", "crf", "in-process", ready=True)
TEXTS = "from munshi_inference.triton.serving import Understanding as TritonPythonModel\n"
PICTURES = """
import time

from munshi.contracts.media import Document, FileKind
from munshi_inference.triton.serving import Documents


class TritonPythonModel(Documents):
    def load(self, folder, version):
        self._shared = None

    async def work(self, file, asked):
        until = time.process_time() + 0.3
        while time.process_time() < until:
            sum(range(1000))
        return Document(kind=FileKind.OTHER)
"""


@dataclass
class Engine:
    """An engine of understanding that counts what it had to read."""

    engine: Understander = field(default_factory=load)
    asked: int = 0

    async def understand(self, request: Request) -> Understanding:
        """As the engine."""
        self.asked += 1
        return await self.engine.understand(request)


def requests() -> list[Request]:
    """All hand-written texts."""
    texts = [json.loads(line)["text"] for path in SETS.glob("*.jsonl") for line in path.open()]
    return [Request(text=text, today=TODAY) for text in dict.fromkeys(texts)]


def cpu(*processes: psutil.Process) -> float:
    """Seconds that they have computed so far."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def percentile(values: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1e3


async def one_after_the_other(engine: TritonUnderstander, asked: Sequence[Request]) -> list[float]:
    """Seconds of each."""
    took = []
    for request in asked:
        began = time.perf_counter()
        await engine.understand(request)
        took.append(time.perf_counter() - began)
    return took


async def many_at_once(engine: TritonUnderstander, asked: Sequence[Request]) -> None:
    """`AT_ONCE` askers share the texts."""
    left = iter(asked)

    async def ask() -> None:
        for request in left:
            await engine.understand(request)

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))


async def rates(server: TritonServer, local: Engine) -> dict[str, float]:
    """One round."""
    asked = requests()
    processes = [psutil.Process(server.pid), server.stub("ledger_nlu")]
    own = psutil.Process(os.getpid())
    engine = TritonUnderstander(server.http, local, INFO)
    await many_at_once(engine, asked)
    single = await one_after_the_other(engine, asked)
    theirs, ours, began = cpu(*processes), cpu(own), time.perf_counter()
    for _ in range(3):
        await many_at_once(engine, asked)
    count = 3 * len(asked)
    took, theirs, ours = time.perf_counter() - began, cpu(*processes) - theirs, cpu(own) - ours
    await engine.close()
    began = time.process_time()
    for request in asked:
        await local.engine.understand(request)
    alone = (time.process_time() - began) / len(asked)
    return {
        "p50_ms": percentile(single, 0.5),
        "p99_ms": percentile(single, 0.99),
        "texts_per_second": count / took,
        "server_cpu_us": theirs / count * 1e6,
        "client_cpu_us": ours / count * 1e6,
        "in_process_cpu_us": alone * 1e6,
        "texts_per_second_core": count / (theirs + ours),
        "texts_per_second_server_core": count / theirs,
    }


async def paced(engine: TritonUnderstander) -> list[float]:
    """Texts of one tenant at a steady pace; seconds of each."""
    took: list[float] = []

    async def ask(request: Request) -> None:
        began = time.perf_counter()
        await engine.understand(request)
        took.append(time.perf_counter() - began)

    asked, began, work = requests(), time.perf_counter(), []
    for number in range(int(PACE * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
        work.append(asyncio.create_task(ask(asked[number % len(asked)])))
    await asyncio.gather(*work)
    return took


async def flood(server: TritonServer, local: Engine) -> dict[str, float]:
    """Texts without and with the flood, in turn."""
    engine = TritonUnderstander(server.http, local, INFO)
    reader = TritonReader(server.url, None, longest=60.0)
    picture = FileRef("image/png", data=b"0" * 300_000)
    hints = ReadHints(tenant="flood", seconds=300.0)
    await paced(engine)
    quiet, flooded, read = [], [], 0
    for _ in range(ROUNDS):
        quiet.append(percentile(await paced(engine), 0.99))
        pictures = [asyncio.create_task(reader.read(picture, hints)) for _ in range(500)]
        flooded.append(percentile(await paced(engine), 0.99))
        read += sum(one.done() for one in pictures)
        for one in pictures:
            one.cancel()
        await asyncio.gather(*pictures, return_exceptions=True)
    await reader.close()
    await engine.close()
    before, during = statistics.median(quiet), statistics.median(flooded)
    return {"quiet_p99_ms": before, "flood_p99_ms": during, "times": during / before, "pictures": float(read)}


def _show(result: dict[str, float]) -> None:
    print(f"median of {ROUNDS} rounds; load {result['load']:.0f} on {result['cores']:.0f} cores")
    print(f"one at a time: p50 (asked 1), p99 {result['p50_ms']:8.2f} {result['p99_ms']:8.2f} ms")
    print(f"{AT_ONCE} at once: texts a second, wall {result['texts_per_second']:8.0f}")
    print(f"CPU of a text: server, client   {result['server_cpu_us']:8.0f} {result['client_cpu_us']:8.0f} us")
    print(f"CPU of a text read in process     {result['in_process_cpu_us']:8.0f} us")
    print(f"texts a second and core           {result['texts_per_second_core']:8.0f}    (asked 3,000)")
    print(f"  of the server's core alone      {result['texts_per_second_server_core']:8.0f}")
    print(f"texts that Triton was too slow for {result['read_in_process']:7.0f}")
    print(f"texts p99: quiet, beside a flood  {result['quiet_p99_ms']:8.2f} {result['flood_p99_ms']:8.2f} ms")
    print(f"  times                           {result['times']:8.2f}    (asked below 2)")


async def main() -> None:
    """Prints the table and writes `results/triton.json`."""
    with tempfile.TemporaryDirectory() as folder:
        repository = repository_with(Path(folder) / "models", {"ledger_nlu": TEXTS, "documents": PICTURES})
        server = TritonServer(Path(folder) / "server", "ledger_nlu,documents", repository)
        local = Engine()
        try:
            server.start()
            rounds = [await rates(server, local) for _ in range(ROUNDS)]
            beside = await flood(server, local)
        finally:
            server.kill()
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]} | beside
    load = os.getloadavg()[0]
    result |= {"read_in_process": float(local.asked), "load": load, "cores": float(os.cpu_count() or 0)}
    _show(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "triton.json").write_text(json.dumps({"rounds": rounds, "median": result}, indent=2) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
