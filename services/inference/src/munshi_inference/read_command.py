"""`munshi read`: what the readers make of pictures, PDFs and sounds. Needs no platform."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munshi.contracts.media import Document, FileKind, FileRef, ReadHints, Transcript
from munshi.errors import MunshiError, Retryable, UserMistake
from munshi.files import kinds
from munshi.files.kinds import Family
from munshi.inference import EngineMissing, InferenceSettings, load_engine

if TYPE_CHECKING:
    from rich.text import Text

ASSISTANTS = ("ledger", "invoices")
SECONDS = 120.0
"""Longest time for one file; a page takes a second or two, a long voice note more."""
LONGEST_SOUND = 1_800.0
"""Seconds of sound."""
AT_ONCE = 4
"""Files that are under way side by side; the engines' own processes are fewer or as many."""

_GROUPS = {Family.PICTURE: "documents", Family.PDF: "documents", Family.SOUND: "speech"}


def read(
    files: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, sound files, or folders of them.")],
    assistant: Annotated[str, typer.Option(help="Whose reading: ledger or invoices.")] = "ledger",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    language: Annotated[
        list[str] | None, typer.Option(help="BCP 47, likeliest first; may be repeated. Default: en, hi.")
    ] = None,
    today: Annotated[str | None, typer.Option(help="The day (ISO) after which dates are doubted.")] = None,
) -> None:
    """Shows what the readers make of each picture, PDF or sound file."""
    if assistant.lower() not in ASSISTANTS:
        raise typer.BadParameter(
            f"no reading for {assistant!r}; there is one for: {', '.join(ASSISTANTS)}",
            param_hint="--assistant",
        )
    hints = ReadHints(languages=tuple(language or ("en", "hi")), today=_day(today), seconds=SECONDS)
    try:
        sound = asyncio.run(_show(list(_expanded(files)), hints, as_json=as_json))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if not sound:
        raise typer.Exit(1)


def _day(today: str | None) -> date:
    if today is None:
        return date.today()  # noqa: DTZ011  # the day of this machine's user
    try:
        return date.fromisoformat(today)
    except ValueError as error:
        raise typer.BadParameter(f"{today!r} is no ISO day like 2026-11-21", param_hint="--today") from error


def _expanded(files: Sequence[Path]) -> Iterable[Path]:
    """The files, and those in the folders in order of their names; hidden ones left out."""
    for file in files:
        if file.is_dir():
            yield from sorted(f for f in file.rglob("*") if f.is_file() and not f.name.startswith("."))
        else:
            yield file


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one file; exactly one of the last three is set."""

    file: Path
    document: Document | None = None
    transcript: Transcript | None = None
    mistake: str | None = None


class Readers:
    """The engines of this machine, each loaded when the first file needs it."""

    def __init__(self, hints: ReadHints, stack: AsyncExitStack) -> None:
        self._hints = hints
        self._stack = stack
        self._engines: dict[str, Any] = {}

    def _engine(self, part: str) -> Any:
        if part not in self._engines:
            engine = load_engine(f"munshi.readers.{part}", InferenceSettings())
            self._engines[part] = engine
            if (close := getattr(engine, "close", None)) is not None:
                self._stack.push_async_callback(close)
        return self._engines[part]

    async def read(self, file: Path) -> Reading:
        """Reads one file; what goes wrong is told, not raised."""
        try:
            with file.open("rb") as opened:
                mime_type = kinds.sniff(opened.read(kinds.HEAD)) or ""
            part = _GROUPS.get(kinds.family(mime_type))
            if part is None:
                raise UserMistake("neither a picture nor a PDF nor a sound file")
            if part == "speech":
                return Reading(file, transcript=await self._listen(file, mime_type))
            document = await self._engine(part).read(FileRef(mime_type, path=file), self._hints)
            return Reading(file, document=document)
        except OSError as error:
            return Reading(file, mistake=error.strerror or type(error).__name__)
        except EngineMissing as error:
            return Reading(file, mistake=f"nothing here can read it; {error.info.add}")
        except Retryable as error:
            return Reading(file, mistake=f"not read in time: {error}")
        except MunshiError as error:
            return Reading(file, mistake=str(error))

    async def _listen(self, file: Path, mime_type: str) -> Transcript:
        engine = self._engine("speech")
        try:
            from munshi.files import sounds
        except ImportError as error:
            raise UserMistake(f"{error.name} is not installed: pip install 'munshi[sounds]'") from error
        with TemporaryDirectory(prefix="munshi-read-") as folder:
            wav = Path(folder) / "sound.wav"
            await asyncio.to_thread(sounds.speech_wav, file, mime_type, wav, LONGEST_SOUND)
            heard: Transcript = await engine.transcribe(FileRef("audio/wav", path=wav), self._hints)
            return heard


async def _readings(files: Sequence[Path], readers: Readers) -> AsyncGenerator[Reading, None]:
    """The readings in the order of the files, a few at work side by side."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(file: Path) -> Reading:
        async with free:
            return await readers.read(file)

    tasks = [asyncio.create_task(one(file)) for file in files]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()


async def _show(files: Sequence[Path], hints: ReadHints, *, as_json: bool) -> bool:
    """Prints all; whether all could be read."""
    from rich.console import Console
    from rich.progress import Progress

    good = True
    # On one terminal all goes through one console, which keeps the bar below the lines.
    out, errors = Console(soft_wrap=True), Console(stderr=True)
    seen = out if out.is_terminal else errors
    told = out if out.is_terminal and errors.is_terminal else errors
    async with AsyncExitStack() as stack:
        readings = await stack.enter_async_context(aclosing(_readings(files, Readers(hints, stack))))
        with Progress(console=seen, transient=True, disable=len(files) < 2) as progress:
            bar = progress.add_task("reading", total=len(files))
            async for reading in readings:
                if reading.mistake is not None:
                    good = False
                    said = f"munshi read: {reading.file}: {reading.mistake}"
                    told.print(said, soft_wrap=True, markup=False)
                elif as_json:
                    line = json.dumps(as_object(reading), ensure_ascii=False)
                    if out.is_terminal:
                        out.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
                    else:
                        typer.echo(line)
                else:
                    out.print(_readable(reading))
                progress.advance(bar)
    return good


def as_object(reading: Reading) -> dict[str, Any]:
    """What `--json` prints of one file: amounts as strings, absent fields left out."""
    if reading.transcript is not None:
        said = reading.transcript
        found = {"kind": "speech", "fields": {}, "text": said.text, "confidence": round(said.confidence, 4)}
        extra: dict[str, Any] = {"language": said.language, "seconds": said.seconds, "engine": said.engine}
    else:
        document = reading.document or Document(kind=FileKind.OTHER)
        whole = document.model_dump(mode="json", exclude_none=True)
        found = {name: whole[name] for name in ("kind", "fields", "text", "confidence")}
        extra = {name: value for name, value in whole.items() if name not in found}
    return {"file": str(reading.file), **found, **{n: v for n, v in extra.items() if v is not None}}


def _readable(reading: Reading) -> "Text":
    from rich.text import Text

    shown = as_object(reading)
    line = Text(f"{shown['file']}\n", style="bold")
    line.append(f"  {shown['kind']}", style="cyan")
    line.append(f"  {shown['confidence']:.0%}", style="green" if shown["confidence"] >= 0.7 else "yellow")
    if "category" in shown:
        line.append(f"  {shown['category']}", style="cyan")
    sure = shown.get("confidences", {})
    for name, value in shown["fields"].items():
        line.append(f"\n  {name:<11}", style="dim").append(str(value))
        if name in sure:
            line.append(f"  {sure[name]:.0%}", style="dim")
    for item in shown.get("lines", []):
        amounts = " ".join(str(item[n]) for n in ("quantity", "unit_price", "amount") if n in item)
        line.append("\n  - ", style="dim").append(f"{item['description']}  {amounts}")
    if shown["kind"] == "speech":
        line.append(f"\n  {shown['text']}")
    if failed := shown.get("failed_checks"):
        line.append(f"\n  doubtful: {', '.join(failed)}", style="yellow")
    return line
