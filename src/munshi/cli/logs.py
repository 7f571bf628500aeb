"""`munshi logs`."""

import contextlib
import time
from typing import TYPE_CHECKING, Annotated

import typer

from munshi.cli.options import Data, data_folder
from munshi.cli.output import console, say
from munshi.errors import UserMistake

if TYPE_CHECKING:
    from pathlib import Path

    from munshi.embedded.log_files import LogLine

_FOLLOW_SECONDS = 0.2
_COLOURS = {"warning": "yellow", "error": "red", "critical": "red", "debug": "dim"}
_HEAD = {"timestamp", "level", "event", "service"}


def logs(
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SERVICE]...",
            help="ingress, orchestrator, media, triton, emulator, nats, postgres, supervisor; none: all.",
        ),
    ] = None,
    data: Data = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on with what is written from now on.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Lines as they were written.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Last lines of each service.")] = 100,
) -> None:
    """Show the services' logs, in the order of time."""
    from munshi.embedded.log_files import Follower, last_lines, parse
    from munshi.embedded.plan import SERVICES

    unknown = [name for name in services or () if name not in SERVICES]
    if unknown:
        raise typer.BadParameter(f"no service {unknown[0]!r}; there are {', '.join(SERVICES)}")
    folder = data_folder(data).logs
    if not folder.is_dir():
        raise UserMistake(f"there are no logs in {folder}; nothing was started on this data folder yet")
    paths: dict[str, Path] = {name: folder / f"{name}.log" for name in services or SERVICES}
    followers = {name: Follower(path) for name, path in paths.items()}
    found = [parse(name, raw) for name, path in paths.items() for raw in last_lines(path, lines)]
    for line in _in_order(found):
        _print(line, as_json=as_json)
    with contextlib.suppress(KeyboardInterrupt):
        while follow:
            new = [parse(name, raw) for name, follower in followers.items() for raw in follower.new_lines()]
            for line in sorted(new, key=lambda one: one.time):
                _print(line, as_json=as_json)
            time.sleep(_FOLLOW_SECONDS)


def _in_order(lines: "list[LogLine]") -> "list[LogLine]":
    """By time; a line without one stays behind the line before it."""
    last = dict.fromkeys({line.service for line in lines}, "")
    keyed = []
    for number, line in enumerate(lines):
        last[line.service] = line.time or last[line.service]
        keyed.append((last[line.service], number, line))
    return [line for _, _, line in sorted(keyed, key=lambda one: one[:2])]


def _print(line: "LogLine", *, as_json: bool) -> None:
    if as_json:
        say(line.raw)
        return
    from rich.text import Text

    text = Text()
    if line.fields is None:
        text.append(f"{line.service:<12} ", "cyan").append(line.raw)
    else:
        level = str(line.fields.get("level", "info"))
        when = str(line.fields.get("timestamp", ""))[11:23]
        text.append(f"{when} ", "dim").append(f"{line.service:<12} ", "cyan")
        text.append(f"{level:<8}", _COLOURS.get(level, "green")).append(
            f"{line.fields.get('event', '')}", "bold"
        )
        for name, value in line.fields.items():
            if name not in _HEAD:
                text.append(f" {name}=", "dim").append(str(value))
    console().print(text, soft_wrap=True)
