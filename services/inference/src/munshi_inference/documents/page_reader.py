"""Reads one file with the engines of this process, on one core: what the pool's workers and Triton run."""

import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from munshi.contracts.media import Document, FileRef, ReadHints, Refusal
from munshi.files import kinds, pictures
from munshi.files.kinds import Family, FileRefused
from munshi_inference.documents import reading
from munshi_inference.documents.engines import indic
from munshi_inference.documents.engines.paddle import PaddleEngine, is_paddle
from munshi_inference.documents.engines.rapid import Pixels, RapidEngine
from munshi_inference.documents.engines.tesseract import TesseractEngine, TesseractMissing
from munshi_inference.documents.judging import MODEL_NAME, LinearJudge
from munshi_inference.documents.pdf import Pages
from munshi_inference.documents.pieces import Piece
from munshi_inference.nlu.repository import latest, repository


@dataclass(frozen=True, slots=True)
class Read:
    """The pieces of a file, one page's below the other's, and who read them."""

    pieces: list[Piece]
    pages: int
    engine: str


class PageReader:
    """Models loaded once. Not for several threads at once."""

    def __init__(self, models: Path | None = None, judge: Path | None = None) -> None:
        """Loads the models: about a second. `judge`: folder of a version of our own model.

        Raises:
            ImportError, FileNotFoundError, ModelError: rapidocr, its models or our own are missing.
        """
        self.latin: RapidEngine | PaddleEngine = (
            PaddleEngine(models) if models is not None and is_paddle(models) else RapidEngine(models)
        )
        self.tesseract: TesseractEngine | None = None
        try:
            self.tesseract = TesseractEngine()
        except TesseractMissing:
            self.tesseract = None
        self._model = LinearJudge(judge or latest(repository(), MODEL_NAME))

    def ready(self) -> bool:
        """Answers once the models are loaded."""
        return True

    def read(self, file: FileRef, hints: ReadHints) -> Document:
        """What a picture or PDF (its bytes or its path) says.

        Raises:
            FileRefused: it is neither, broken, too large, or gone.
        """
        try:
            data = file.data if file.data is not None else Path(str(file.path)).read_bytes()
        except OSError as error:
            raise FileRefused(Refusal.GONE, f"the file cannot be read: {error.strerror}") from error
        return self.understood(self.pieces(data, hints), hints)

    def understood(self, found: Read, hints: ReadHints) -> Document:
        """What the pieces of a file say."""
        context = reading.Context(
            hints.today or datetime.now(UTC).date(),
            hints.currency,
            found.engine,
            self._model.total_weights,
            self._model.calibration,
        )
        return reading.read(found.pieces, context, self._model, found.pages)

    def pieces(self, data: bytes, hints: ReadHints) -> Read:
        """The text of a file with its places."""
        deadline = time.monotonic() + hints.seconds
        family = kinds.family(kinds.sniff(data[: kinds.HEAD]))
        if family is Family.PDF:
            return self._pdf(data, hints, deadline)
        if family is not Family.PICTURE:
            raise FileRefused(Refusal.WRONG_TYPE, "neither a picture nor a PDF")
        picture = decode(data)
        pieces, engine = self._look(picture, hints, deadline)
        return Read(pieces, 1, engine)

    def _pdf(self, data: bytes, hints: ReadHints, deadline: float) -> Read:
        found: list[Piece] = []
        engines: list[str] = []
        below = 0.0
        with Pages(data) as pages:
            for index in range(pages.count):
                own = pages.pieces(index)
                if own is None:
                    own, engine = self._look(pages.picture(index), hints, deadline)
                else:
                    engine = "pdf"
                engines.append(engine)
                found += [
                    Piece(p.text, p.left, p.top + below, p.right, p.bottom + below, p.confidence) for p in own
                ]
                below = max((p.bottom for p in found), default=0.0) + 50.0
            return Read(found, pages.count, "+".join(dict.fromkeys(engines)))

    def _look(self, picture: Pixels, hints: ReadHints, deadline: float) -> tuple[list[Piece], str]:
        found = self.latin.find(picture)
        engine = self.latin.name
        trained = self._trained(hints)
        if self.tesseract is not None and trained is not None and found.quads:
            seconds = max(2.0, deadline - time.monotonic())
            try:
                again = indic.reread(picture, found, self.tesseract, trained, seconds)
            except subprocess.SubprocessError:
                return found.pieces(), engine
            if again.texts != found.texts:
                return again.pieces(), f"{engine}+{self.tesseract.name}"
        return found.pieces(), engine

    def _trained(self, hints: ReadHints) -> str | None:
        """Tesseract's name of the tenant's first language that it is needed for."""
        if self.tesseract is None:
            return None
        named = (self.tesseract.trained(language) for language in hints.languages)
        return next((name for name in named if name is not None), None)


def decode(data: bytes) -> Pixels:
    """A picture's pixels, upright, blue-green-red. Raises `FileRefused`."""
    return np.ascontiguousarray(np.asarray(pictures.upright(data).convert("RGB"))[:, :, ::-1])
