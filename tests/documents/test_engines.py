"""The reader as services get it: pictures and PDFs, in processes that may die or hang; no network."""

import asyncio
import importlib.util
import io
import os
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
import yaml
from onnxruntime import InferenceSession
from PIL import Image, ImageDraw

from munshi.contracts.media import READERS, FileRef, ReadHints, Refusal
from munshi.errors import Retryable
from munshi.files.kinds import FileRefused
from munshi.inference import InferenceSettings, load_engine
from munshi_inference.documents.engine import DocumentEngine
from munshi_inference.documents.engines.rapid import RapidEngine, bundled_models
from munshi_inference.documents.engines.tesseract import TesseractEngine, TesseractMissing
from munshi_inference.documents.page_reader import PageReader
from munshi_inference.training.documents import drawing, drawn, evaluate
from munshi_inference.training.documents.bills import TODAY

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("documents")]

HINTS = ReadHints(languages=("en",), today=TODAY, seconds=120)


ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


def loaded(models: Path | None = None) -> DocumentEngine:
    """An engine with one process, started at its first file."""
    settings = InferenceSettings(ocr_model_dir=models, ocr_processes=1)
    engine = load_engine(READERS["documents"], settings)
    assert isinstance(engine, DocumentEngine)
    return engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[DocumentEngine]:
    """One for all tests that only read: its process takes seconds to start."""
    shared = loaded()
    yield shared
    await shared.close()


@pytest.fixture(scope="module")
def reader() -> PageReader:
    """The models in this process."""
    return PageReader()


def fonts() -> None:
    """Skips where nothing can be drawn."""
    try:
        drawing.check()
    except drawing.FontsMissing as error:
        pytest.skip(str(error))


def tesseract(language: str) -> None:
    """Skips where a language cannot be read."""
    try:
        if TesseractEngine().trained(language) is None:
            pytest.skip(f"Tesseract has no {language}: make system-packages")
    except TesseractMissing as error:
        pytest.skip(str(error))


def children() -> set[int]:
    """Processes of this one that read pages."""
    return {child.pid for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())}


def blank() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(out, "JPEG")
    return out.getvalue()


def digital_pdf(rows: list[str]) -> bytes:
    """A PDF with text, written by hand."""
    lines = " ".join(f"({row}) Tj 0 -20 Td" for row in rows)
    stream = f"BT /F1 12 Tf 50 780 Td {lines} ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 6\n0000000000 65535 f \n"
    return out + head + table + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(out)


@ONE_LOOP
async def test_what_is_no_document_is_refused_or_empty(engine: DocumentEngine, tmp_path: Path) -> None:
    empty = await engine.read(FileRef("image/jpeg", data=blank()), HINTS)
    assert (empty.text, empty.fields.total, empty.confidence) == ("", None, 0.0)
    for data, refusal in (
        (b"\xff\xd8\xff\xe0broken", Refusal.MALFORMED),
        (b"%PDF-1.4 broken", Refusal.MALFORMED),
        (b"PK\x03\x04....", Refusal.WRONG_TYPE),
    ):
        with pytest.raises(FileRefused) as refused:
            await engine.read(FileRef("image/jpeg", data=data), HINTS)
        assert refused.value.refusal is refusal
    with pytest.raises(FileRefused) as gone:
        await engine.read(FileRef("image/jpeg", path=tmp_path / "gone.jpg"), HINTS)
    assert gone.value.refusal is Refusal.GONE


@ONE_LOOP
async def test_pdf_is_read_as_text(engine: DocumentEngine) -> None:
    rows = [
        "Acme Traders Pvt Ltd",
        "Tax Invoice",
        "Invoice No: AT-77",
        "Date: 12/11/2026",
        "Grand Total 4,720.00",
    ]
    document = await engine.read(FileRef("application/pdf", data=digital_pdf(rows)), HINTS)
    assert (document.engine, document.pages) == ("pdf", 1)
    assert (document.fields.total, document.fields.invoice_no) == (Decimal("4720.00"), "AT-77")
    assert document.fields.vendor == "Acme Traders Pvt Ltd"


def receipt(form: str) -> bytes:
    """A small receipt as a picture, or as a PDF of one."""
    paper = Image.new("RGB", (620, 400), "white")
    ImageDraw.Draw(paper).text((40, 60), "SAI STORE\nBill No: 41\nTotal  431.50", fill="black", font_size=40)
    out = io.BytesIO()
    paper.save(out, form, resolution=100)
    return out.getvalue()


@ONE_LOOP
async def test_scanned_pdf_is_looked_at(engine: DocumentEngine) -> None:
    document = await engine.read(FileRef("application/pdf", data=receipt("PDF")), HINTS)
    assert document.engine.startswith("rapidocr")
    assert document.fields.total == Decimal("431.50")


async def test_killed_and_hanging_workers_are_replaced() -> None:
    engine = loaded()
    try:
        await _killed_and_hanging(engine)
    finally:
        await engine.close()


async def _killed_and_hanging(engine: DocumentEngine) -> None:
    file = FileRef("image/jpeg", data=blank())
    before = children()
    await engine.read(file, HINTS)
    (worker,) = children() - before
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:  # a worker that died unseen costs at most one retry
        try:
            await engine.read(file, HINTS)
            break
        except Retryable:
            assert time.monotonic() < deadline
    (stopped,) = children() - before
    assert stopped != worker
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(Retryable):
        await engine.read(file, ReadHints(today=TODAY, seconds=1.0))
    assert (await engine.read(file, HINTS)).text == ""
    assert stopped not in children()


async def test_ends_its_processes() -> None:
    before = children()
    engine = loaded()
    await engine.read(FileRef("image/jpeg", data=blank()), HINTS)
    assert children() - before
    await engine.close()
    deadline = time.monotonic() + 60
    while children() - before and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert not children() - before


def test_models_are_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def trap(*_: object) -> None:
        raise AssertionError("a reader reached for the network")

    monkeypatch.setattr(socket.socket, "connect", trap)
    monkeypatch.setattr(socket, "getaddrinfo", trap)
    assert RapidEngine().model.startswith("PP-OCR")


async def test_models_are_taken_from_a_folder(tmp_path: Path) -> None:
    own = tmp_path / "our-models"
    own.mkdir()
    for part in ("det", "rec"):
        (file,) = bundled_models().glob(f"*_{part}_*.onnx")
        shutil.copy(file, own / f"ours_{part}_1.onnx")
    assert RapidEngine(own).model == "ours_rec_1"
    engine = loaded(own)
    try:
        assert engine.info().model == "our-models"
        document = await engine.read(FileRef("image/png", data=receipt("PNG")), HINTS)
        assert document.fields.total == Decimal("431.50")
    finally:
        await engine.close()
    (own / "ours_rec_1.onnx").unlink()
    with pytest.raises(FileNotFoundError, match="rec"):
        RapidEngine(own)


def test_drawn_receipts_are_read_right(reader: PageReader) -> None:
    """A few pages only: the whole sets are scored by `make evaluate-documents`."""
    fonts()
    score = evaluate.evaluate(reader, drawn.samples("clean", 4, evaluate.SEED))
    assert score.share("total") == 1.0, score.wrong
    assert (score.share("date") or 0) >= 0.75, score.wrong
    assert (score.share("vendor") or 0) >= 0.75, score.wrong


def test_drawn_hindi_receipts_are_read_right(reader: PageReader) -> None:
    fonts()
    tesseract("hi")
    score = evaluate.evaluate(reader, drawn.samples("hindi", 3, evaluate.SEED))
    assert (score.share("total") or 0) >= 0.66, score.wrong


def test_models_of_paddleocr_are_known_by_their_form(tmp_path: Path) -> None:
    from munshi_inference.documents.engines import paddle

    assert not paddle.is_paddle(tmp_path)
    for name in ("PP-OCRv5_mobile_det", "PP-OCRv5_mobile_rec"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inference.yml").write_text(f"Global:\n  model_name: {name}\n")
    assert paddle.is_paddle(tmp_path)
    assert paddle.model(tmp_path, "rec") == ("PP-OCRv5_mobile_rec", tmp_path / "PP-OCRv5_mobile_rec")
    with pytest.raises(FileNotFoundError):
        paddle.model(tmp_path, "cls")


def paddles_form(folder: Path) -> Path:
    """The models of rapidocr's wheel in PaddleOCR's form."""
    settings: dict[str, list[dict[str, Any]]] = {
        "det": [
            {"DetResizeForTest": {"resize_long": 960}},
            {"NormalizeImage": {"mean": [0.5] * 3, "std": [0.5] * 3, "scale": "1./255.", "order": "hwc"}},
            {"ToCHWImage": None},
        ],
        "rec": [{"RecResizeImg": {"image_shape": [3, 48, 320]}}],
    }
    for part, steps in settings.items():
        (file,) = bundled_models().glob(f"*_{part}_*.onnx")
        own = folder / f"PP-OCRv6_small_{part}"
        own.mkdir()
        shutil.copy(file, own / "inference.onnx")
        letters = InferenceSession(file).get_modelmeta().custom_metadata_map.get("character", "").splitlines()
        after = {
            "det": {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.5, "unclip_ratio": 1.6},
            "rec": {"name": "CTCLabelDecode", "character_dict": letters},
        }[part]
        decode = {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}}
        description = {
            "Global": {"model_name": own.name},
            "PreProcess": {"transform_ops": [decode, *steps]},
            "PostProcess": after,
        }
        (own / "inference.yml").write_text(yaml.safe_dump(description, allow_unicode=True), encoding="utf-8")
    return folder


def test_models_in_onnx_need_no_paddlepaddle(tmp_path: Path) -> None:
    from munshi_inference.documents.engines import paddle

    paddles_form(tmp_path)
    (_, det), (_, rec) = paddle.model(tmp_path, "det"), paddle.model(tmp_path, "rec")
    assert paddle.options(det, rec)["engine"] == "onnxruntime"
    (rec / "inference.onnx").unlink()
    assert "engine" not in paddle.options(det, rec)


@pytest.mark.skipif(importlib.util.find_spec("paddleocr") is None, reason="the extra paddleocr")
async def test_paddleocr_reads_with_models_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADDLE_PDX_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "models").mkdir()
    engine = loaded(paddles_form(tmp_path / "models"))
    try:
        hints = replace(HINTS, seconds=240)  # PaddleOCR takes long to load
        document = await engine.read(FileRef("image/png", data=receipt("PNG")), hints)
        assert document.engine.startswith("paddleocr")
        assert document.fields.total == Decimal("431.50")
    finally:
        await engine.close()
