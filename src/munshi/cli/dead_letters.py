"""`munshi dead-letters`: what failed for good, and why."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munshi.cli.options import Data, data_folder
from munshi.cli.output import console, say
from munshi.errors import UserMistake

if TYPE_CHECKING:
    from munshi.db.dead_letters import DeadLetterRow

app = typer.Typer(no_args_is_help=True, help="List, show, replay or drop what failed for good.")

_Number = Annotated[int, typer.Argument(help="Its number, as `list` shows it.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON, an object a line.")]


@app.command("list")
def list_letters(
    data: Data = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Only this tenant: namespace/name or key.")
    ] = None,
    closed: Annotated[bool, typer.Option("--all", help="Replayed and dropped ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: _Json = False,
) -> None:
    """Show what failed for good, the youngest first."""
    from munshi.contracts.ids import TenantKey
    from munshi.embedded.live import with_dead_letters

    key = TenantKey(tenant.replace("/", "_", 1)) if tenant else None
    rows = asyncio.run(
        with_dead_letters(data_folder(data), lambda store: store.list(key, closed=closed, limit=limit))
    )
    if as_json:
        for row in rows:
            say(_json(row, payload=False))
    elif not rows:
        say("no dead letters")
    else:
        _print_table(rows)


@app.command("show")
def show_letter(letter: _Number, data: Data = None, as_json: _Json = False) -> None:
    """Show one with its payload. The payload may hold a customer's words."""
    from munshi.embedded.live import with_dead_letters

    row = asyncio.run(with_dead_letters(data_folder(data), lambda store: store.show(letter)))
    if row is None:
        raise UserMistake(f"there is no dead letter {letter}; `munshi dead-letters list --all` shows them")
    if as_json:
        say(_json(row, payload=True))
        return
    for name, value in _fields(row).items():
        if value is not None and name != "payload":
            say(f"{name + ':':<13} {value}")
    import json

    say(json.dumps(row.payload, ensure_ascii=False, indent=2))


@app.command("replay")
def replay_letter(letter: _Number, data: Data = None) -> None:
    """Take one up again: it goes the way of a message that comes in now."""
    from munshi.embedded.live import replay

    say(f"dead letter {letter}: {asyncio.run(replay(data_folder(data), letter))}")


@app.command("drop")
def drop_letter(letter: _Number, data: Data = None) -> None:
    """Close one for good."""
    from munshi.embedded.live import with_dead_letters

    if not asyncio.run(with_dead_letters(data_folder(data), lambda store: store.drop(letter))):
        raise UserMistake(f"there is no open dead letter {letter}; `munshi dead-letters list` shows them")
    say(f"dead letter {letter} dropped")


def _fields(row: "DeadLetterRow") -> dict[str, Any]:
    from dataclasses import asdict

    fields = asdict(row)
    for name in ("created_at", "replayed_at", "dropped_at"):
        fields[name] = fields[name].isoformat() if fields[name] else None
    return fields


def _json(row: "DeadLetterRow", *, payload: bool) -> str:
    import json

    fields = _fields(row)
    if not payload:
        fields.pop("payload")
    return json.dumps(fields, ensure_ascii=False)


def _print_table(rows: "Any") -> None:
    from rich.table import Table

    table = Table(
        "number", "tenant", "source", "reason", "detail", "since", "state", box=None, header_style="bold"
    )
    for row in rows:
        state = "replayed" if row.replayed_at else "dropped" if row.dropped_at else "open"
        since = row.created_at.isoformat(timespec="seconds")
        table.add_row(str(row.id), row.tenant, row.source, row.reason, row.detail, since, state)
    console().print(table)
