"""`munshi up` and `munshi down`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from munshi.cli.options import Data, data_folder
from munshi.cli.output import say
from munshi.errors import UserMistake

if TYPE_CHECKING:
    from munshi.cli.progress import Progress
    from munshi.embedded.data_folder import DataFolder
    from munshi.embedded.plan import UpOptions
    from munshi.embedded.state import PlatformState

_DOWN_SECONDS = 120.0
_LAST_BASE = 65525
_POLL_SECONDS = 0.03


def _http_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{value!r} is no HTTP address; write https://… or http://…")
    return value.rstrip("/") if value else value


def _database_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("postgresql://", "postgres://")):
        raise typer.BadParameter("write postgresql://USER:PASSWORD@HOST:PORT")
    return value


def _nats_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("nats://", "tls://")):
        raise typer.BadParameter("write nats://HOST:PORT")
    return value


def up(  # noqa: PLR0913, PLR0917 (each is an option of the command line)
    tenants: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            help="Folder (or file) of tenants to serve, as YAML. Its files win over what was applied or "
            "deleted since. [default: examples/, of which only new and changed files are applied]",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    graph_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", callback=_http_url, help="Another Graph API; then no emulator is started."
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=_LAST_BASE, help="Every port is counted up from N (11 in a row)."
        ),
    ] = 8000,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when all is ready; `munshi down` ends it.")
    ] = False,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="DSN",
            callback=_database_url,
            help="A PostgreSQL server that is there, as an administrator; then none is started.",
        ),
    ] = None,
    nats_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=_nats_url,
            help="A NATS server with JetStream that is there already, and takes clients without accounts; "
            "then none is started.",
        ),
    ] = None,
    triton: Annotated[
        bool,
        typer.Option(
            help="Start NVIDIA Triton where `make engines` set it up. Without it the engines run in the "
            "services' own processes: slower under load, and some 0.4 GB of memory less."
        ),
    ] = True,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
) -> None:
    """Run the whole platform on this machine; Ctrl-C ends it.

    PostgreSQL, NATS, ingress, orchestrator, media and the emulator of WhatsApp are started, watched and
    brought back when they die. All that is kept lies in the data folder; the next `munshi up` goes on where
    this one stood.
    """
    from munshi.embedded.plan import UpOptions, found_triton

    options = UpOptions(
        data=data_folder(data),
        port=port,
        tenants=tenants.absolute() if tenants else _example_tenants(),
        tenants_asked_for=tenants is not None,
        graph_url=graph_url,
        database_url=database_url,
        nats_url=nats_url,
        triton=found_triton() if triton else None,
    )
    if detach:
        _start_in_background(options)
    else:
        _run(options, in_background=background)


def _example_tenants() -> Path | None:
    """`examples/` here, or of the checkout that this program runs from."""
    checkout = Path(__file__).resolve().parents[3]
    candidates = [Path.cwd() / "examples"]
    if (checkout / "pyproject.toml").exists():
        candidates.append(checkout / "examples")
    return next((folder for folder in candidates if any(folder.glob("*.y*ml"))), None)


def _run(options: "UpOptions", *, in_background: bool) -> None:
    import asyncio

    from munshi.cli.progress import Progress, show_addresses
    from munshi.embedded.platform import Platform

    with Progress(plain=in_background) as progress:

        def ready(state: "PlatformState") -> None:
            progress.done()
            if not in_background:
                show_addresses(state, options.data, "Ctrl-C ends it.")

        asyncio.run(Platform(options, progress.step).run(ready))


def _start_in_background(options: "UpOptions") -> None:
    from munshi.cli.progress import Progress, show_addresses
    from munshi.embedded.data_folder import clear_messages

    with clear_messages(options.data):
        options.data.prepare()
        log = options.data.logs / "up.log"
        with log.open("ab") as output:
            began = output.tell()
            child = subprocess.Popen(  # noqa: S603 (this very program)
                [sys.executable, "-P", "-m", "munshi.cli", "up", "--background", *_arguments(options)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    with Progress() as progress, _stopped_if_interrupted(child):
        state = _wait_ready(child, options.data, progress)
        if state is None:
            raise UserMistake(_last_words(log, began))
        progress.done()
        stop = f"munshi down --data {options.data.root}"
        show_addresses(state, options.data, f"It runs in the background; `{stop}` ends it.")


def _arguments(options: "UpOptions") -> list[str]:
    arguments = ["--data", str(options.data.root), "--port", str(options.port)]
    named = {
        "--tenants": options.tenants if options.tenants_asked_for else None,
        "--graph-url": options.graph_url,
        "--database-url": options.database_url,
        "--nats-url": options.nats_url,
    }
    for name, value in named.items():
        if value is not None:
            arguments += [name, str(value)]
    if options.triton is None:
        arguments.append("--no-triton")
    return arguments


@contextlib.contextmanager
def _stopped_if_interrupted(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise


def _wait_ready(
    child: "subprocess.Popen[bytes]", data: "DataFolder", progress: "Progress"
) -> "PlatformState | None":
    from munshi.embedded.state import read_state

    while child.poll() is None:
        state = read_state(data)
        if state is not None and state.supervisor_pid == child.pid:
            if state.ready:
                return state
            if state.step:
                progress.step(state.step)
        time.sleep(_POLL_SECONDS)
    return None


def _last_words(log: Path, began: int) -> str:
    with log.open("rb") as file:
        file.seek(began)
        text = file.read().decode("utf-8", "replace").strip()
    _, found, message = text.rpartition("error: ")
    return message if found else f"the platform could not start:\n{text[-2000:]}"


def down(data: Data = None) -> None:
    """Stop what `munshi up` started; nothing is lost."""
    from munshi.embedded.data_folder import supervisor_lock
    from munshi.embedded.state import read_state

    folder = data_folder(data)
    lock = supervisor_lock(folder)
    if not lock.path.exists() or not lock.held_by_another():
        say(f"nothing is running on {folder.root}")
        return
    state = read_state(folder)
    if state is None or not state.alive:
        raise UserMistake(f"a `munshi up` holds {folder.root} but has not said yet who it is; try again")
    try:
        os.kill(state.supervisor_pid, signal.SIGTERM)
    except PermissionError:
        raise UserMistake(
            f"the platform on {folder.root} belongs to another user (process {state.supervisor_pid}); "
            "stop it as that user"
        ) from None
    deadline = time.monotonic() + _DOWN_SECONDS
    while state.alive:
        if time.monotonic() > deadline:
            raise UserMistake(f"process {state.supervisor_pid} does not end; see `munshi logs supervisor`")
        time.sleep(_POLL_SECONDS)
    say("stopped")
