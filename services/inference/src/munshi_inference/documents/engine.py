"""The reader of documents in this process: entry point `default` of `munshi.readers.documents`."""

import functools
import importlib.util
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from munshi.contracts.media import Document, EngineInfo, FileRef, ReadHints, Refusal
from munshi.errors import Permanent
from munshi.files.kinds import FileRefused
from munshi.inference import EngineMissing, InferenceSettings
from munshi.shares import FairShare
from munshi_inference.files import bytes_of
from munshi_inference.pool import Pool

if TYPE_CHECKING:
    from munshi_inference.documents.page_reader import PageReader

WAITING = 1_000
"""Of one tenant's files that may wait; the next one is told to come again."""

_REFUSALS = {str(refusal): refusal for refusal in Refusal}

_TITLES = {"hi": "Hindi", "si": "Sinhala"}
"""Languages that are asked of every machine, beside English."""

STEP = "install the readers of pictures: pip install 'munshi-inference[ocr]'"


def build(models: Path | None) -> "PageReader":
    """The engine of one worker, on one core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT"):
        os.environ[name] = "1"
    from munshi_inference.documents.page_reader import PageReader

    return PageReader(models)


def workers() -> int:
    """Half of the cores that this process may use: the rest is for conversations."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


class DocumentEngine:
    """Reads pictures and PDFs in processes of its own. Holds no process until the first file."""

    def __init__(self, info: EngineInfo, models: Path | None, size: int) -> None:
        self._info = info
        self._pool: Pool[PageReader] = Pool("documents", functools.partial(build, models), size)
        self._shares = FairShare(size, WAITING)

    def info(self) -> EngineInfo:
        """What it is."""
        return self._info

    async def warm(self) -> None:
        """Starts a worker and loads its models, so that the first file does not wait for that."""
        await self._pool.call("ready", seconds=120.0)

    async def close(self) -> None:
        """Ends its processes. They end by themselves too when this process does."""
        self._pool.close()

    async def read(self, file: FileRef, hints: ReadHints) -> Document:
        """Reads one file.

        Raises:
            Retryable: all readers are busy, or this one died or took too long.
            FileRefused: neither picture nor PDF, broken, too large.
            Permanent: the file makes the reader fail.
        """
        if file.url is not None:
            file = replace(file, url=None, data=await bytes_of(file))
        async with self._shares.place(hints.tenant):
            try:
                answer: Document = await self._pool.call("read", file, hints, seconds=hints.seconds)
            except Permanent as error:
                if error.reason in _REFUSALS:
                    raise FileRefused(_REFUSALS[error.reason], str(error)) from error
                raise
            return answer


def load(settings: InferenceSettings) -> DocumentEngine:
    """The engine of this machine.

    Raises:
        EngineMissing: the libraries that read pictures are not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("rapidocr", "cv2", "PIL", "pypdfium2")):
        raise EngineMissing(EngineInfo(part="ocr", engine="", where="", add=STEP))
    from munshi_inference.documents.engines import paddle
    from munshi_inference.documents.engines.tesseract import STEP as TESSERACT
    from munshi_inference.documents.engines.tesseract import TRAINED, TesseractEngine, TesseractMissing

    models = settings.ocr_model_dir
    languages, name, add = ["en"], "rapidocr", ""
    if models is not None and paddle.is_paddle(models):
        name = paddle.PaddleEngine.name
        if importlib.util.find_spec("paddleocr") is None:
            raise EngineMissing(EngineInfo(part="ocr", engine="", where="", add=paddle.STEP))
    try:
        tesseract = TesseractEngine()
        languages += [tag for tag in TRAINED if tesseract.trained(tag)]
        name += "+tesseract"
        lacking = [title for tag, title in _TITLES.items() if tag not in languages]
        add = f"{' and '.join(lacking)}: {TESSERACT}" if lacking else ""
    except TesseractMissing:
        add = f"{' and '.join(_TITLES.values())}: {TESSERACT}"
    info = EngineInfo(
        part="ocr",
        engine=name,
        where="in-process",
        model=settings.ocr_model_dir.name if settings.ocr_model_dir else "PP-OCRv6 small",
        languages=tuple(languages),
        ready=True,
        add=add,
    )
    return DocumentEngine(info, settings.ocr_model_dir, settings.ocr_processes or workers())
