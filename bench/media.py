"""The media service: pictures fetched, checked and stored on one core; memory while a large file passes.

The service's own `Inbound.keep` (everything of a request until the bytes and their record are stored) in
this process, pinned to one core with all its threads; the files come from a process of their own. The store
is a folder. Rates are by the clock, and by this process's CPU time: on a machine with other work the second
is what a core to itself would do.
"""

import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import uvloop

from bench._file_server import pieces
from munshi.contracts.ids import MessageID, PhoneNumberID
from munshi.contracts.media import ReadRequest
from munshi.contracts.tenant import POOL
from munshi.inference import InferenceSettings
from munshi.objects import ObjectStore, TenantObjects
from munshi.provision.object_store import folder_address
from munshi.shares import FairShare
from munshi_media.engines import Engines
from munshi_media.fetch import Fetcher
from munshi_media.graph import MediaGraph
from munshi_media.inbound import Asked, Inbound, InboundParts
from munshi_media.metrics import Metrics
from munshi_media.reading import Reader
from munshi_media.received import Received
from munshi_media.settings import MediaSettings
from munshi_media.watch import Watch
from munshi_media.workers import Workers

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))

from rig.cells import known_tenant, tenant_document  # noqa: E402

NUMBER = PhoneNumberID("106540352242922")
PICTURE = 300_000
ROUND = 600
ROUNDS = 3
AT_ONCE = 16
WANTED = 200.0
SIZES_MB = (1, 10, 50, 100)


@dataclass
class Result:
    """What was measured."""

    pictures_a_second: float
    pictures_a_cpu_second: float
    cpu_ms_a_picture: float
    memory_mb: dict[str, float]
    """Most resident memory above the idle process, by size of the file in MB."""
    load: float
    """Of the machine, before."""


@contextmanager
def file_server(cores: set[int]) -> Iterator[str]:
    """Its base URL."""
    command = [sys.executable, "-m", "bench._file_server"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    try:
        os.sched_setaffinity(process.pid, cores)
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Bench:
    """The parts, over one folder."""

    def __init__(self, folder: Path, base: str) -> None:
        settings = MediaSettings(graph_url=base, fetches=AT_ONCE, cells_dir=folder)
        metrics = Metrics()
        self.base = base
        self.graph = MediaGraph(settings)
        self.workers = Workers(1, 60.0)
        self.tenant = known_tenant(tenant_document("bench", "shops", NUMBER, limits={"mediaMegabytes": 100}))
        self.objects: TenantObjects = ObjectStore(folder_address(folder, POOL)).of(self.tenant.key)
        self.spool = folder / "spool"
        self.spool.mkdir()
        engines = Engines(InferenceSettings())
        self.inbound = Inbound(
            InboundParts(
                settings=settings,
                fetcher=Fetcher(self.graph, metrics, 3),
                workers=self.workers,
                reader=Reader(settings, engines, self.workers, metrics, longest_seconds=600, by_url=False),
                fetching=FairShare(AT_ONCE),
                reading=FairShare(1),
                spool=self.spool,
            )
        )

    def request(self, number: int, size: int, kind: str, mime_type: str) -> ReadRequest:
        """A message with a file, as the webhook brings it: with URL and hash."""
        digest = hashlib.sha256()
        for piece in pieces(number, size):
            digest.update(piece)
        return ReadRequest(
            tenant=self.tenant.key,
            phone_number_id=NUMBER,
            message_id=MessageID(f"wamid.{number}"),
            media_id=str(number),
            media_type=kind,
            mime_type=mime_type,
            sha256=digest.hexdigest(),
            url=f"{self.base}/bytes/{number}/{size}",
        )

    async def keep(self, request: ReadRequest) -> None:
        """Fetches, checks and stores."""
        asked = Asked(request, self.tenant, lambda: "token", self.objects, Watch())
        with Received(self.spool) as received:
            record = await self.inbound.keep(asked, received)
        assert record.answer.original is not None, record
        assert record.answer.original.sha256 == request.sha256

    async def close(self) -> None:
        """Ends workers and connections."""
        await self.graph.close()
        self.workers.close()


async def rate(bench: Bench, first: int) -> tuple[float, float]:
    """A round of pictures: a second by the clock, and by this process's CPU."""
    requests = iter([bench.request(first + n, PICTURE, "image", "image/jpeg") for n in range(ROUND)])

    async def work() -> None:
        for request in requests:
            await bench.keep(request)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return ROUND / (time.perf_counter() - began), ROUND / (time.process_time() - cpu)


async def memory(bench: Bench, number: int, megabytes: int) -> float:
    """Most memory above the idle process while a file of this size goes through, in MB."""
    process = psutil.Process()
    request = bench.request(number, megabytes * 1024 * 1024, "document", "text/plain")
    idle = peak = process.memory_info().rss
    keeping = asyncio.create_task(bench.keep(request))
    while not keeping.done():
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.005)
    await keeping
    return (peak - idle) / 1024 / 1024


async def measure(base: str, folder: Path) -> Result:
    """All of it."""
    load = os.getloadavg()[0]
    bench = Bench(folder, base)
    try:
        await rate(bench, 0)  # threads and connections are there
        rounds = [await rate(bench, (turn + 1) * ROUND) for turn in range(ROUNDS)]
        await memory(bench, 900_000, 1)  # the worker process is there
        grown = {str(size): await memory(bench, 900_001 + size, size) for size in SIZES_MB}
    finally:
        await bench.close()
    by_cpu = statistics.median(cpu for _, cpu in rounds)
    return Result(
        pictures_a_second=statistics.median(clock for clock, _ in rounds),
        pictures_a_cpu_second=by_cpu,
        cpu_ms_a_picture=1000 / by_cpu,
        memory_mb=grown,
        load=load,
    )


def main() -> int:
    """Runs it; 0 when the aims are met."""
    cores = sorted(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory(prefix="munshi-bench-") as folder,
        file_server(set(cores[1:] or cores)) as base,
    ):
        os.sched_setaffinity(0, {cores[0]})
        result = uvloop.run(measure(base, Path(folder)))
    print(f"pictures of 300 KB on one core: {result.pictures_a_second:.0f}/s by the clock, ", end="")
    print(
        f"{result.pictures_a_cpu_second:.0f} a CPU second ({result.cpu_ms_a_picture:.2f} ms each); asked 200"
    )
    for size, grown in result.memory_mb.items():
        print(f"a file of {size} MB: memory grows by {grown:.1f} MB")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "media.json").write_text(json.dumps(asdict(result), indent=1) + "\n")
    met = result.pictures_a_cpu_second >= WANTED and max(result.memory_mb.values()) < 32
    print("met" if met else "missed")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
