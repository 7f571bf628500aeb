"""The reader of documents in this process: entry point `default` of `munshi.readers.documents`."""

import asyncio
import importlib.util
import urllib.request
from dataclasses import replace

from munshi.contracts.media import Document, EngineInfo, FileRef, ReadHints, Refusal
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import FileRefused
from munshi.inference import EngineMissing, InferenceSettings
from munshi_inference.documents.pool import Pool

LARGEST_FETCH = 64 * 1024 * 1024
"""Bytes that are fetched of a signed URL; the media service lets through far less."""

STEP = "install the readers of pictures: pip install 'munshi-inference[ocr]'"


class DocumentEngine:
    """Reads pictures and PDFs in processes of its own. Holds no process until the first file."""

    def __init__(self, info: EngineInfo, pool: Pool) -> None:
        self._info = info
        self._pool = pool

    def info(self) -> EngineInfo:
        """What it is."""
        return self._info

    async def warm(self) -> None:
        """Starts a worker and loads its models, so that the first file does not wait for that."""
        await self._pool.warm()

    async def close(self) -> None:
        """Ends its processes. They end by themselves too when this process does."""
        await self._pool.close()

    async def read(self, file: FileRef, hints: ReadHints) -> Document:
        """Reads one file.

        Raises:
            Retryable: all readers are busy, or this one took too long.
            FileRefused: neither picture nor PDF, broken, too large.
            Permanent: the file makes the reader fail.
        """
        if file.url is not None:
            file = replace(file, url=None, data=await asyncio.to_thread(_fetch, file.url, hints.seconds))
        answer = await self._pool.read(file, hints)
        if answer.state == "refused":
            raise FileRefused(answer.refusal or Refusal.MALFORMED, answer.detail)
        if answer.document is None:
            raise Permanent(f"the reader fails on this file: {answer.detail}", reason="unreadable")
        return answer.document


def _fetch(url: str, seconds: float) -> bytes:
    """The bytes behind a signed URL. Raises `Retryable`, `Permanent`."""
    if not url.startswith(("https://", "http://")):
        raise Permanent("not a URL of the web", reason="wrong_url")
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310  # the scheme is checked above
            data: bytes = answer.read(LARGEST_FETCH + 1)
    except OSError as error:
        raise Retryable(f"the file cannot be fetched: {type(error).__name__}") from error
    if len(data) > LARGEST_FETCH:
        raise FileRefused(Refusal.TOO_LARGE, "more than 64 MB")
    return data


def load(settings: InferenceSettings) -> DocumentEngine:
    """The engine of this machine.

    Raises:
        EngineMissing: the libraries that read pictures are not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("rapidocr", "cv2", "PIL", "pypdfium2")):
        raise EngineMissing(EngineInfo(part="ocr", engine="", where="", add=STEP))
    from munshi_inference.documents.engines.tesseract import STEP as TESSERACT
    from munshi_inference.documents.engines.tesseract import TRAINED, TesseractEngine, TesseractMissing

    languages, name, add = ["en"], "rapidocr", ""
    try:
        tesseract = TesseractEngine()
        languages += [tag for tag in TRAINED if tesseract.trained(tag)]
        name += "+tesseract"
    except TesseractMissing:
        add = f"Hindi and Sinhala: {TESSERACT}"
    info = EngineInfo(
        part="ocr",
        engine=name,
        where="in-process",
        model=settings.ocr_model_dir.name if settings.ocr_model_dir else "PP-OCRv6 small",
        languages=tuple(languages),
        ready=True,
        add=add,
    )
    return DocumentEngine(info, Pool(models=settings.ocr_model_dir))
