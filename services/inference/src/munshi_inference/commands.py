"""`munshi understand`: what the understanding makes of a text. Needs no platform."""

import sys
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any

import typer

from munshi.contracts.understanding import Request, Understanding


def understand(
    text: Annotated[
        list[str] | None, typer.Argument(help="Texts; - or none reads lines of standard input.")
    ] = None,
    assistant: Annotated[str, typer.Option(help="Whose understanding: ledger.")] = "ledger",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    today: Annotated[
        str | None, typer.Option(help="The day (ISO) that aaj and kal are counted from.")
    ] = None,
) -> None:
    """Shows what the understanding makes of each text."""
    if assistant.lower() != "ledger":
        raise typer.BadParameter(
            f"no understanding for {assistant!r}; there is one for: ledger", param_hint="--assistant"
        )
    day = _day(today)
    from munshi_inference.nlu.engine import LedgerEngine
    from munshi_inference.nlu.repository import LedgerModel, ModelError, latest, repository

    try:
        engine = LedgerEngine(LedgerModel(latest(repository())))
    except ModelError as error:
        typer.echo(f"munshi understand: {error}", err=True)
        raise typer.Exit(1) from error
    readings = ((line, engine.read(Request(text=line, today=day))) for line in _texts(text))
    if as_json:
        _print_json(readings)
    else:
        _print_readable(readings)


def _day(today: str | None) -> date:
    if today is None:
        return date.today()  # noqa: DTZ011  # the day of this machine's user
    try:
        return date.fromisoformat(today)
    except ValueError as error:
        raise typer.BadParameter(f"{today!r} is no ISO day like 2026-11-21", param_hint="--today") from error


def _texts(texts: list[str] | None) -> Iterator[str]:
    for text in texts or ["-"]:
        if text != "-":
            yield text
            continue
        for line in sys.stdin:
            if line.strip():
                yield line.rstrip("\r\n")


def as_object(reading: Understanding, text: str) -> dict[str, Any]:
    """What `--json` prints of one reading: amounts as strings, absent entities left out.

    `text` is what was given: the whole of it, also where it holds several entries.
    """
    found: dict[str, Any] = {
        "text": text,
        "intent": reading.intent.value,
        "confidence": round(reading.confidence, 4),
        "entities": reading.entities.model_dump(mode="json", exclude_none=True),
    }
    if reading.further:
        found["further"] = [as_object(entry, entry.text) for entry in reading.further]
    return found


def _print_json(readings: Iterable[tuple[str, Understanding]]) -> None:
    import json

    for text, reading in readings:
        typer.echo(json.dumps(as_object(reading, text), ensure_ascii=False))


def _print_readable(readings: Iterable[tuple[str, Understanding]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True)
    for _, reading in readings:
        for entry in (reading, *reading.further):
            line = Text(entry.text + "\n", style="bold")
            line.append(f"  {entry.intent.value}", style="cyan")
            line.append(f"  {entry.confidence:.0%}", style="green" if entry.confidence >= 0.7 else "yellow")
            for name, value in entry.entities.model_dump(mode="json", exclude_none=True).items():
                line.append(f"  {name}=", style="dim").append(str(value))
            console.print(line)
