"""Tesseract, the program of the system: reads Devanagari and Sinhala. English stands first, else it mangles
digits."""

import csv
import io
import os
import shutil
import subprocess
from dataclasses import dataclass

import cv2

from munshi_inference.documents.engines.rapid import Pixels
from munshi_inference.documents.letters import INVISIBLE

TRAINED = {"hi": "hin", "mr": "hin", "ne": "hin", "si": "sin", "ta": "tam"}
"""BCP 47 primary tags to Tesseract's languages."""

STEP = "install Tesseract with its languages: make system-packages"


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place in the picture, in pixels. `confidence` 0 to 1."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    confidence: float


class TesseractMissing(Exception):
    """The program is not there."""


class TesseractEngine:
    """Starts the program for each picture; on one core."""

    name = "tesseract"

    def __init__(self, program: str | None = None) -> None:
        """Finds the program and the languages it has.

        Raises:
            TesseractMissing: it is not there or does not answer.
        """
        found = program or shutil.which("tesseract")
        if found is None:
            raise TesseractMissing(STEP)
        self._program = found
        self._environment = {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
        try:
            listed = self._run(["--list-langs"], b"", 10.0)
        except (OSError, subprocess.SubprocessError) as error:
            raise TesseractMissing(f"{found} does not answer; {STEP}") from error
        self.languages = frozenset(listed.decode().split("\n")[1:]) - {"", "osd"}

    def _run(self, arguments: list[str], data: bytes, seconds: float) -> bytes:
        done = subprocess.run(  # noqa: S603  # a program found on the path, arguments of ours
            [self._program, *arguments],
            input=data,
            env=self._environment,
            capture_output=True,
            check=True,
            timeout=seconds,
        )
        return done.stdout

    def trained(self, language: str) -> str | None:
        """Its name for a language (BCP 47) that it can read here."""
        name = TRAINED.get(language.partition("-")[0])
        return name if name in self.languages else None

    def words(
        self, picture: Pixels, trained: str, seconds: float = 30.0, *, english: bool = True
    ) -> list[Word]:
        """The words of a picture of even lines.

        Raises:
            subprocess.SubprocessError: it failed or took longer than `seconds`.
        """
        _, encoded = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        languages = f"eng+{trained}" if english and "eng" in self.languages else trained
        table = self._run(
            ["-", "-", "-l", languages, "--psm", "6", "--dpi", "300", "tsv"], encoded.tobytes(), seconds
        )
        return _words(table.decode("utf-8", "replace"))


def _words(table: str) -> list[Word]:
    """Words of Tesseract's table: level 5, confidence in percent."""
    found = []
    for line in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (line.get("text") or "").translate(INVISIBLE).strip()
        if line.get("level") != "5" or not text:
            continue
        left, top = int(line["left"]), int(line["top"])
        found.append(
            Word(
                text,
                left,
                top,
                left + int(line["width"]),
                top + int(line["height"]),
                max(0.0, float(line["conf"])) / 100,
            )
        )
    return found
