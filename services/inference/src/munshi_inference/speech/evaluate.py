"""Word and character error rate of the engine that this machine has, on a set of one's own.

`python -m munshi_inference.speech.evaluate FOLDER`: each sound (wav, ogg, mp3, flac) has what was said beside
it as a text file of the same name. Prints both rates, by language where names begin with one (`hi-0001.wav`),
how long a second of sound took, and how far the confidence tells right from wrong.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from munshi.contracts.media import READERS, FileRef, ReadHints, Transcriber
from munshi.errors import MunshiError
from munshi.files.sounds import speech_wav
from munshi.inference import InferenceSettings, load_engine

_SOUNDS = {".wav", ".ogg", ".mp3", ".flac", ".opus"}
_LONGEST = 3600.0
_LANGUAGE = re.compile(r"^([a-z]{2,3})[-_]")


@dataclass(frozen=True, slots=True)
class Heard:
    """One sound of the set."""

    language: str
    said: str
    heard: str
    confidence: float
    seconds: float
    took: float


def plain(text: str) -> str:
    """What is compared: lower case, one writing of each letter, no marks."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("\u200c", "").replace("\u200d", "")
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in folded)
    return " ".join(kept.split())


def rates(heard: Sequence[Heard]) -> tuple[float, float]:
    """Word and character error rate over all of them together: 0 is perfect, above 1 is possible."""
    said = [plain(one.said) for one in heard]
    got = [plain(one.heard) for one in heard]
    return float(jiwer.wer(said, got)), float(jiwer.cer(said, got))


def pairs_of(folder: Path) -> list[tuple[Path, Path]]:
    """Every sound of a folder that has its text beside it, with that text."""
    return [
        (sound, text)
        for sound in sorted(folder.rglob("*"))
        if sound.suffix.lower() in _SOUNDS and (text := sound.with_suffix(".txt")).is_file()
    ]


async def evaluate(engine: Transcriber, pairs: Sequence[tuple[Path, Path]]) -> list[Heard]:
    """Hears every sound."""
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "sound.wav"
        for sound, text in track(pairs, "hearing", console=Console(stderr=True)):
            language = match[1] if (match := _LANGUAGE.match(sound.name)) else ""
            length = speech_wav(sound, "audio/wav", wav, _LONGEST)
            hints = ReadHints(languages=(language,) if language else (), seconds=_LONGEST)
            began = time.perf_counter()
            got = await engine.transcribe(FileRef("audio/wav", path=wav), hints)
            took = time.perf_counter() - began
            said = text.read_text(encoding="utf-8")
            found.append(Heard(language, said, got.text, got.confidence, length, took))
    return found


def report(heard: Sequence[Heard]) -> Table:
    """A table, a row a language."""
    groups = defaultdict(list)
    for one in heard:
        groups[one.language or "-"].append(one)
    if len(groups) > 1:
        groups["all"] = list(heard)
    table = Table(
        "language", "sounds", "word errors", "character errors", "seconds a second", "sure and right"
    )
    for language, group in groups.items():
        words, characters = rates(group)
        speed = sum(one.took for one in group) / max(0.001, sum(one.seconds for one in group))
        sure = [one for one in group if one.confidence >= 0.7]
        right = sum(plain(one.said) == plain(one.heard) for one in sure)
        told = f"{right} of {len(sure)}" if sure else "none is confident"
        table.add_row(language, str(len(group)), f"{words:.1%}", f"{characters:.1%}", f"{speed:.2f}", told)
    return table


async def _run(folder: Path) -> int:
    engine: Transcriber = load_engine(READERS["speech"], InferenceSettings())
    try:
        heard = await evaluate(engine, pairs_of(folder))
    finally:
        await engine.close()
    if not heard:
        sys.stderr.write(f"{folder} holds no sound with its text beside it (a.wav and a.txt)\n")
        return 1
    console = Console()
    console.print(f"{engine.info().engine} {engine.info().model}")
    console.print(report(heard))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; 0 done, 1 nothing to hear or nothing that hears."""
    parser = argparse.ArgumentParser(description="Word error rate of speech to text on a set of your own.")
    parser.add_argument("folder", type=Path, help="sounds, each with its text beside it")
    try:
        return asyncio.run(_run(parser.parse_args(arguments).folder))
    except MunshiError as error:
        sys.stderr.write(f"evaluate-speech: {error}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
