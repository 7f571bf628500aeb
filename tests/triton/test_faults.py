"""Triton killed, hanging, refusing, out of memory: every request is answered, and all goes on after it."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from munshi.contracts.media import Document, EngineInfo, FileKind, FileRef, ReadHints
from munshi.contracts.understanding import Request, Understander, Understanding
from munshi.errors import Retryable
from munshi_inference.nlu.engine import load
from munshi_inference.triton.engines import TritonReader, TritonUnderstander
from munshi_inference.triton.link import Busy, Link
from munshi_inference.triton.wire import DATA, REQUEST, file_row
from rig.ports import free_port
from rig.triton import TritonServer, repository_with
from rig.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.xdist_group("triton")
TODAY = date(2026, 11, 21)
TEXTS = 300
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (where the server keeps tensors)

SLOW_READER = """
import asyncio
from pathlib import Path

from munshi.contracts.media import Document, FileKind
from munshi_inference.triton.serving import Documents


class TritonPythonModel(Documents):
    def load(self, folder, version):
        self._shared, self._begun = None, folder / "begun"

    async def work(self, file, asked):
        with self._begun.open("a") as begun:
            begun.write(asked.tenant + "\\n")
        if file.data == b"defect":
            raise ValueError("a text of a person")
        await asyncio.sleep(float(file.data))
        return Document(kind=FileKind.OTHER, text="by triton")
"""
HUNGRY_TEXTS = """
import resource
from pathlib import Path

from munshi_inference.triton.serving import Understanding


class TritonPythonModel(Understanding):
    def load(self, folder, version):
        engine = super().load(folder, version)
        read = engine.read_with_joint

        def reading(requests):
            if not any("500" in request.text for request in requests):
                return read(requests)
            held = resource.getrlimit(resource.RLIMIT_AS)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, held[1]))
            try:
                return read([request.model_copy(update={"text": "x" * 2**30}) for request in requests])
            finally:
                resource.setrlimit(resource.RLIMIT_AS, held)

        engine.read_with_joint = reading
        return engine
"""
BROKEN_MODEL = "raise RuntimeError('no weights')\n"
PLAIN_TEXTS = "from munshi_inference.triton.serving import Understanding as TritonPythonModel\n"


class Local:
    """What answers where Triton does not; counts how often."""

    def __init__(self) -> None:
        self.engine: Understander = load()
        self.asked = 0

    def info(self) -> EngineInfo:
        return EngineInfo("ocr", "stand-in", "in-process", ready=True)

    async def understand(self, request: Request) -> Understanding:
        self.asked += 1
        return await self.engine.understand(request)

    async def close(self) -> None:
        """Holds nothing."""

    async def read(self, file: FileRef, hints: ReadHints) -> Document:
        self.asked += 1
        assert hints.seconds > 0
        return Document(kind=FileKind.OTHER, text=f"in process: {file.mime_type}")


@pytest.fixture
def local() -> Local:
    return Local()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., TritonServer]]:
    """Starts servers whose models run code of a test's own."""
    running: list[TritonServer] = []

    def start(*, begin: bool = True, **models: str) -> TritonServer:
        repository = repository_with(tmp_path / "models", models)
        server = TritonServer(tmp_path / "server", ",".join(models), repository)
        running.append(server)
        return server.start() if begin else server

    yield start
    for server in running:
        server.kill()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is only slow to say that it lives is not taken for one that hangs."""
    monkeypatch.setattr("munshi_inference.triton.link._ALIVE_SECONDS", 30.0)


@contextlib.asynccontextmanager
async def texts(server_url: str, local: Local, seconds: float = 10.0) -> AsyncIterator[TritonUnderstander]:
    info = EngineInfo("nlu", "crf", "in-process", ready=True)
    engine = TritonUnderstander(server_url, local, info, seconds)
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def files(server_url: str, local: Local | None) -> AsyncIterator[TritonReader]:
    engine = TritonReader(server_url, local, longest=240.0)
    try:
        yield engine
    finally:
        await engine.close()


async def read_all(engine: TritonUnderstander, count: int = TEXTS) -> None:
    """Many at once; each must come back, with its own amount."""

    async def one(amount: int) -> None:
        found = await engine.understand(Request(text=f"Ramesh ko {amount} udhaar diya", today=TODAY))
        assert found.entities.amount == Decimal(amount)

    await asyncio.gather(*(one(400 + number) for number in range(count)))


async def back(engine: TritonUnderstander | TritonReader) -> None:
    """Waits until requests go to Triton again, with none of ours to find that out."""
    await eventually(lambda: engine.info().where == "triton", "the client comes back to Triton")


def picture(seconds: float | bytes) -> FileRef:
    """A file that the stand-in reads for so long."""
    return FileRef("image/png", data=seconds if isinstance(seconds, bytes) else str(seconds).encode())


async def all_by_triton(engine: TritonUnderstander, local: Local) -> None:
    """Waits until texts are read by Triton again."""

    async def by_triton() -> bool:
        await back(engine)
        before = local.asked
        await read_all(engine, 20)
        return local.asked == before

    await eventually(by_triton, "texts are read by Triton again", 120)


@pytest.mark.parametrize("what", ["the server", "the model"])
async def test_killed_in_mid_flight(serve: Callable[..., TritonServer], local: Local, what: str) -> None:
    server = serve(ledger_nlu=PLAIN_TEXTS, begin=False)
    async with server.supervised(), texts(server.http, local, seconds=60.0) as engine:
        await read_all(engine)
        before = local.asked
        victim = psutil.Process(server.pid) if what == "the server" else server.stub("ledger_nlu")
        victim.suspend()  # so that there is something in hand, however slow this machine
        reading = asyncio.create_task(read_all(engine, 4 * TEXTS))
        await asyncio.sleep(0.2)
        victim.kill()
        await reading
        assert local.asked > before
        await all_by_triton(engine, local)


@pytest.mark.parametrize("what", ["the server", "the model"])
async def test_hanging(serve: Callable[..., TritonServer], local: Local, what: str) -> None:
    server = serve(ledger_nlu=PLAIN_TEXTS, begin=False)
    async with server.supervised(), texts(server.http, local, seconds=1.0) as engine:
        await read_all(engine)
        frozen = psutil.Process(server.pid) if what == "the server" else server.stub("ledger_nlu")
        frozen.send_signal(signal.SIGSTOP)
        try:
            before, began = local.asked, time.monotonic()
            await read_all(engine)
            assert local.asked == before + TEXTS
            assert time.monotonic() - began < TEXTS / 5, "each waits for a second at most, joined with others"
            assert engine.info().where == "in-process", "nobody waits any more"
            await read_all(engine, 20)
            assert local.asked == before + TEXTS + 20
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):  # who looks after it may have ended it
                frozen.send_signal(signal.SIGCONT)
        await all_by_triton(engine, local)


async def test_refusing(local: Local) -> None:
    async with texts(f"127.0.0.1:{free_port()}", local, seconds=600.0) as engine:
        async with asyncio.timeout(PATIENCE_SECONDS):  # far below what an answer is waited for
            await read_all(engine)
        assert local.asked == TEXTS
        assert engine.info().where == "in-process"


@pytest.mark.usefixtures("unhurried")
async def test_out_of_memory(serve: Callable[..., TritonServer], local: Local) -> None:
    server = serve(ledger_nlu=HUNGRY_TEXTS)
    async with texts(server.http, local, seconds=60.0) as engine:
        await read_all(engine)
    assert local.asked == 1, "only the text that took the memory is read in process"


async def test_a_file_in_hand_of_a_server_that_hangs_is_read_in_process(
    serve: Callable[..., TritonServer], local: Local
) -> None:
    server = serve(documents=SLOW_READER)
    async with files(server.url, local) as engine:
        assert (await engine.read(picture(0), ReadHints())).text == "by triton"
        reading = asyncio.create_task(engine.read(picture(200), ReadHints(seconds=240)))
        await asyncio.sleep(0.5)
        psutil.Process(server.pid).send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await reading).text == "in process: image/png"
        finally:
            psutil.Process(server.pid).send_signal(signal.SIGCONT)


async def test_a_file_in_hand_of_a_server_that_dies_is_read_in_process(
    serve: Callable[..., TritonServer], local: Local
) -> None:
    server = serve(documents=SLOW_READER)
    async with files(server.url, local) as engine:
        reading = asyncio.create_task(engine.read(picture(200), ReadHints(seconds=240)))
        await asyncio.sleep(0.5)
        server.kill()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await reading).text == "in process: image/png"


async def test_a_defect_of_the_model_is_data_without_a_word_of_the_person(
    serve: Callable[..., TritonServer], local: Local
) -> None:
    server = serve(documents=SLOW_READER)
    async with files(server.url, local) as engine:
        assert (await engine.read(picture(b"defect"), ReadHints())).text == "in process: image/png"
    async with files(server.url, None) as engine:
        with pytest.raises(Retryable) as error:
            await engine.read(picture(b"defect"), ReadHints())
    assert "a text of a person" not in f"{error.value}{server.service.log}"


@pytest.mark.usefixtures("unhurried")
async def test_a_deadline_is_kept_and_a_request_given_up_is_not_worked_on(
    serve: Callable[..., TritonServer], local: Local, tmp_path: Path
) -> None:
    server = serve(documents=SLOW_READER)
    begun = tmp_path / "models" / "documents" / "begun"
    async with files(server.url, local) as engine:
        work = asyncio.create_task(engine.read(picture(10), ReadHints(tenant="first", seconds=120)))
        await eventually(begun.exists, "the first is in work")
        with pytest.raises(Retryable):
            await engine.read(picture(0), ReadHints(tenant="impatient", seconds=0.5))
        assert not work.done(), "long before its turn would have come"
        given_up = asyncio.create_task(engine.read(picture(0), ReadHints(tenant="gone")))
        await asyncio.sleep(0.5)
        given_up.cancel()
        assert (await work).text == "by triton"
        assert (await engine.read(picture(0), ReadHints(tenant="last"))).text == "by triton"
    assert (await asyncio.to_thread(begun.read_text)).split() == ["first", "last"]
    assert local.asked == 0


@pytest.mark.usefixtures("unhurried")
async def test_a_full_queue_says_busy_and_the_breaker_stays_closed(
    serve: Callable[..., TritonServer],
) -> None:
    server = serve(documents=SLOW_READER)
    link = Link(server.url, "documents")
    row = file_row(picture(0), ReadHints())
    asked = [link.ask({REQUEST: [row], DATA: [b"0.2"]}, 120.0) for _ in range(60)]
    ends = await asyncio.gather(*asked, return_exceptions=True)
    refused = [end for end in ends if isinstance(end, BaseException)]
    assert refused
    assert all(isinstance(end, Busy) for end in refused)
    assert sum(not isinstance(end, BaseException) for end in ends) >= 32
    await link.close()


def test_a_model_that_does_not_load_takes_no_other_along(serve: Callable[..., TritonServer]) -> None:
    server = serve(ledger_nlu=PLAIN_TEXTS, speech=BROKEN_MODEL, begin=False)
    server.service.start().wait_ready("/v2/health/ready")
    with pytest.raises(psutil.TimeoutExpired):  # longer than its guard would wait
        psutil.Process(server.pid).wait(6)
    assert server.service.answers("/v2/models/ledger_nlu/ready")
    assert not server.service.answers("/v2/models/speech/ready")


def test_nothing_is_left_of_a_server_that_was_killed(serve: Callable[..., TritonServer]) -> None:
    server = serve(ledger_nlu=PLAIN_TEXTS)
    stub = server.stub("ledger_nlu")
    guarded = [child for child in psutil.Process(server.pid).children() if "guard.py" in str(child.cmdline())]
    assert guarded
    psutil.Process(server.pid).kill()
    gone, alive = psutil.wait_procs([stub, *guarded], timeout=60)
    assert (len(gone), alive) == (2, [])
    server.kill()
    server.start()
    regions = list(SHARED_MEMORY.glob(f"munshi_{server.port}_*"))
    assert len(regions) <= 1, "what the killed one left in memory is gone"
