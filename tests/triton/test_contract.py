"""One suite for the engines in process and over Triton: the same answers, the same refusals."""

import asyncio
import functools
import http.server
import io
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from munshi.contracts.media import READERS, FileKind, FileRef, ReadHints, Refusal, Transcript
from munshi.contracts.understanding import Category, Intent, Request, Understander
from munshi.errors import Retryable
from munshi.files.kinds import FileRefused
from munshi.inference import EngineMissing, InferenceSettings, infos, load_engine, load_understander
from munshi_inference.triton.engines import TritonUnderstander
from rig.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.xdist_group("triton")
TODAY = date(2026, 11, 21)
HINTS = ReadHints(today=TODAY, tenant="shops_sharma", seconds=60)


@pytest.fixture(params=["in-process", "triton"])
def where(request: pytest.FixtureRequest) -> str:
    """Where the engines of a test are to run."""
    return str(request.param)


@pytest.fixture
def settings(where: str, request: pytest.FixtureRequest, answers: Path, shared: Path) -> InferenceSettings:
    """Of a service that is to run them there."""
    server = request.getfixturevalue("server") if where == "triton" else None
    return InferenceSettings(
        triton_url=server.url if server else "",
        triton_http_url=server.http if server else "",
        triton_files=shared,
        triton_models="ledger_nlu,documents,embeddings,speech",
        speech_model=answers,
    )


async def _loaded(engine: Any, where: str) -> AsyncIterator[Any]:
    """The engine; afterwards it must still run there: an answer by the engine behind it proves nothing."""
    yield engine
    (told,) = await infos([engine])
    assert (told.where, told.ready) == (where, True)
    close = getattr(engine, "close", None)
    if close is not None:
        await close()


@pytest.fixture
async def understander(
    settings: InferenceSettings, where: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Understander]:
    # A service reads a text in process after a second; here the answer is to be Triton's, however slow.
    monkeypatch.setattr(TritonUnderstander.__init__, "__defaults__", (PATIENCE_SECONDS,))
    async for engine in _loaded(load_understander("", settings), where):
        yield engine


@pytest.fixture
async def reader(settings: InferenceSettings, where: str) -> AsyncIterator[Any]:
    async for engine in _loaded(load_engine(READERS["documents"], settings), where):
        yield engine


@pytest.fixture
async def transcriber(settings: InferenceSettings, where: str) -> AsyncIterator[Any]:
    async for engine in _loaded(load_engine(READERS["speech"], settings), where):
        yield engine


@pytest.fixture
async def embedder(settings: InferenceSettings, where: str) -> AsyncIterator[Any]:
    try:
        engine = load_engine(READERS["embeddings"], settings)
    except EngineMissing as missing:
        pytest.skip(f"no engine makes vectors here: {missing}")
    async for loaded in _loaded(engine, where):
        yield loaded


@functools.cache
def bill() -> bytes:
    """A receipt, drawn."""
    picture = Image.new("RGB", (640, 720), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(28)
    rows = ["GUPTA STORES", "Bill No: 123", "Date: 20/11/2026", "Rice 5 kg    350.00", "Oil 1 L      150.00"]
    for number, row in enumerate([*rows, "TOTAL        500.00"]):
        draw.text((40, 40 + 80 * number), row, font=font, fill="black")
    content = io.BytesIO()
    picture.save(content, "JPEG")
    return content.getvalue()


@pytest.fixture
def bill_url() -> Iterator[str]:
    """The receipt at an address that opens for a while."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bill())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}/bill.jpg"
        site.shutdown()


async def test_a_text_is_understood(understander: Understander) -> None:
    found = await understander.understand(Request(text="Ramesh ko 1,250.50 ka maal udhaar diya", today=TODAY))
    assert found.intent is Intent.ADD_TRANSACTION
    assert found.entities.amount == Decimal("1250.50")
    assert found.entities.category is Category.CREDIT
    assert found.entities.customer_name == "Ramesh"
    assert found.confidence > 0.5


async def test_each_of_many_at_once_gets_its_own_answer(understander: Understander) -> None:
    amounts = range(101, 301)
    requests = [Request(text=f"Suresh ko {amount} udhaar diya", today=TODAY) for amount in amounts]
    found = await asyncio.gather(*(understander.understand(request) for request in requests))
    assert [(one.text, one.entities.amount) for one in found] == [
        (request.text, Decimal(amount)) for request, amount in zip(requests, amounts, strict=True)
    ]


async def test_further_entries_come_along(understander: Understander) -> None:
    found = await understander.understand(Request(text="Ramesh 500 udhaar, Suresh 200 jama", today=TODAY))
    assert [one.entities.amount for one in (found, *found.further)] == [Decimal(500), Decimal(200)]


async def test_a_masked_text_is_given_where_it_was_asked_for_and_nowhere_else(
    understander: Understander,
) -> None:
    text = "Ramesh ko 500 udhaar diya"
    for mask in (True, False, True):
        found = await understander.understand(Request(text=text, today=TODAY, mask=mask))
        assert (found.masked is not None) == mask
        assert "Ramesh" not in (found.masked or "")


@pytest.mark.parametrize("text", ["", " ", "\x00", "₹", "?" * 4096, "क" * 4096, "😀"])
async def test_no_text_makes_it_raise(understander: Understander, text: str) -> None:
    found = await understander.understand(Request(text=text, today=TODAY))
    assert 0 <= found.confidence <= 1


async def test_a_receipt_is_read(reader: Any) -> None:
    found = await reader.read(FileRef("image/jpeg", data=bill()), HINTS)
    assert found.kind in {FileKind.RECEIPT, FileKind.INVOICE}
    assert (found.fields.total, found.fields.date) == (Decimal("500.00"), date(2026, 11, 20))


async def test_a_receipt_is_read_by_path(reader: Any, shared: Path, tmp_path: Path) -> None:
    for folder in (shared, tmp_path):  # the second is not shared: the client sends the bytes
        (folder / "bill.jpg").write_bytes(bill())
        found = await reader.read(FileRef("image/jpeg", path=folder / "bill.jpg"), HINTS)
        assert found.fields.total == Decimal("500.00")


async def test_a_receipt_is_read_by_url(reader: Any, bill_url: str) -> None:
    found = await reader.read(FileRef("image/jpeg", url=bill_url), HINTS)
    assert found.fields.total == Decimal("500.00")


async def test_what_is_no_picture_is_refused_with_the_reason(reader: Any) -> None:
    with pytest.raises(FileRefused) as refused:
        await reader.read(FileRef("image/jpeg", data=b"no picture at all"), HINTS)
    assert refused.value.refusal is Refusal.WRONG_TYPE


async def test_a_deadline_is_kept(reader: Any) -> None:
    with pytest.raises(Retryable):
        await reader.read(FileRef("image/jpeg", data=bill()), ReadHints(today=TODAY, seconds=0.01))


async def test_a_note_is_written_down(transcriber: Any, note: Path, said: Transcript) -> None:
    content = await asyncio.to_thread(note.read_bytes)
    for file in (FileRef("audio/wav", data=content), FileRef("audio/wav", path=note)):
        assert await transcriber.transcribe(file, HINTS) == said


async def test_vectors_are_of_one_space(embedder: Any) -> None:
    names = ("Ramesh Traders", "ramesh traders", "Gupta Stores")
    vectors = await embedder.embed(names, "shops_sharma")
    assert [len(vector) for vector in vectors] == [128] * 3
    assert all(sum(part * part for part in vector) == pytest.approx(1, abs=1e-3) for vector in vectors)


async def test_an_engine_says_what_it_is(
    understander: Any, reader: Any, transcriber: Any, where: str
) -> None:
    told = await infos([understander, reader, transcriber])
    assert [(one.part, one.where) for one in told] == [("nlu", where), ("ocr", where), ("speech", where)]
    assert all(one.engine for one in told)
