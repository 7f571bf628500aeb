"""`munshi delete files`: what people sent, deleted on request."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from munshi.cli.options import Data, data_folder
from munshi.cli.output import complain, say
from munshi.cli.tenants import held_tenant

if TYPE_CHECKING:
    from munshi.db.erasures import Erased, Plan
    from munshi.provision.erasures import Deletion

_WAIT_SECONDS = 30.0


def delete_files(
    tenant: Annotated[str, typer.Argument(help="Its name, or namespace/name.")],
    person: Annotated[
        str | None,
        typer.Option(
            "--person", help="All files of this person: phone number with its country, or WhatsApp's user id."
        ),
    ] = None,
    user: Annotated[
        int | None, typer.Option("--user", help="The same, by the person's user_id in the database.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", help="The file of this message, by Meta's id (wamid.…).")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("-n", "--namespace", help="The tenant's namespace.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
) -> None:
    """Delete the pictures, documents and sounds that a person sent, or one of them, for good.

    What was read or heard of them goes too, the words that came with them, the answers to them and what was
    learnt from them. Entries of the books stay: they are accounts. Exit status 1 when the bytes could not be
    deleted yet; they are as soon as the media service answers.
    """
    from munshi.contracts.ids import MessageID
    from munshi.embedded.live import with_deletion
    from munshi.embedded.state import running_state
    from munshi.provision.erasures import Asked, carried_out, left_over, planned

    if [person, user, message].count(None) != 2:
        raise typer.BadParameter("say whose files: one of --person, --user and --message")
    folder = data_folder(data)
    running_state(folder)
    served = held_tenant(folder, tenant, namespace)
    asked = Asked(person, user, MessageID(message) if message is not None else None)

    async def plan(wanted: "Deletion") -> "Plan":
        return await wanted.plan()

    async def carry_out(wanted: "Deletion") -> "tuple[Erased, int]":
        return await wanted.carry_out(_WAIT_SECONDS)

    found = asyncio.run(with_deletion(folder, served, asked, plan))
    if not found.messages:
        say(f"{served.title}: no message with a file is known of them")
        return
    would_go = f"{served.title}: {planned(found)}"
    if not yes and sys.stdin.isatty():
        typer.confirm(f"{would_go}. Delete for good?", abort=True)
    else:
        say(would_go)
    erased, waiting = asyncio.run(with_deletion(folder, served, asked, carry_out))
    say(carried_out(erased))
    if waiting:
        complain(f"{left_over(waiting)}; see `munshi status` and `munshi logs orchestrator media`")
        raise typer.Exit(1)
