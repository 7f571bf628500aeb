"""The command `munshi`: its commands, and how a failure becomes a message and an exit status.

Exit status: 0 done, 1 failed, 2 wrong use. Other distributions add commands by entry points of the group
`munshi.commands`; they are loaded only when they are called, or listed.
"""

import os
import sys
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from munshi.cli import dead_letters, files, logs, status, tenants, up
from munshi.cli.output import complain
from munshi.errors import MunshiError

_GROUP = "munshi.commands"


class _Commands(TyperGroup):
    """Adds the commands of other distributions to our own."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(entry_points(group=_GROUP).names)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for point in entry_points(group=_GROUP, name=cmd_name):
            return _as_command(cmd_name, point.load())
        return None


def _as_command(name: str, loaded: Any) -> Any:
    """A function, or a typer application with commands of its own, as a command."""
    if isinstance(loaded, typer.Typer):
        command = typer.main.get_command(loaded)
    else:
        lone = typer.Typer(add_completion=False)
        lone.command(name)(loaded)
        command = typer.main.get_command(lone)
    command.name = name
    return command


app = typer.Typer(
    name="munshi",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="WhatsApp assistants for many businesses: the whole platform on this machine.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong use. `munshi COMMAND --help` says more of each.",
)

app.command("up")(up.up)
app.command("status")(status.status)
app.command("logs")(logs.logs)
app.command("down")(up.down)
app.command("apply")(tenants.apply)
app.add_typer(tenants.get_app, name="get")
tenants.delete_app.command("files")(files.delete_files)
app.add_typer(tenants.delete_app, name="delete")
app.add_typer(dead_letters.app, name="dead-letters")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"munshi {version('munshi')}")
        raise typer.Exit


@app.callback()
def _munshi(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """The program's own options."""
    del version


def run() -> None:
    """Runs the command of this process's arguments and ends with its exit status."""
    try:
        app(prog_name="munshi")
    except MunshiError as error:
        complain(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # The reader has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
