"""Reads and raises the version of a database. Runs as `munshi_admin`, acts as `munshi_owner`."""

from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from munshi.errors import UserMistake
from munshi_migrations.distance import refuse_too_far

_UPGRADE_LOCK = 0x6D756E736869
"""Session advisory lock: two upgrades at once run one after the other."""


class NewerDatabase(UserMistake):
    """The data was written by a newer version of Munshi."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"this data was written by a newer version of Munshi: its schema is {found}, this program knows "
            f"up to {known}. Nothing was changed. Use a program at least as new as the data, or other data."
        )


class UpgradeFailed(UserMistake):
    """The server refused a statement of a version."""

    def __init__(self, error: Exception) -> None:
        cause = str(error.__cause__ or error).splitlines()[0]
        advice = "; run it again when the database is less busy" if "lock timeout" in cause else ""
        super().__init__(f"the schema could not be brought up to date: {cause}{advice}")


def config() -> Config:
    """Alembic's settings: there is no `alembic.ini`."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return made


def revisions() -> list[str]:
    """All versions that this program knows, oldest first."""
    script = ScriptDirectory.from_config(config())
    return [revision.revision for revision in script.walk_revisions()][::-1]


def needs() -> dict[str, str]:
    """Versions that take something away, each with the version that every running program must know."""
    script = ScriptDirectory.from_config(config())
    marked = {one.revision: getattr(one.module, "needs", None) for one in script.walk_revisions()}
    return {revision: needed for revision, needed in marked.items() if needed}


def head() -> str:
    """The newest version that this program knows."""
    return revisions()[-1]


def engine(url: str) -> AsyncEngine:
    """An engine for one command on a plain `postgresql://` address."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={"server_settings": {"application_name": "munshi-migrations"}},
    )


async def current(url: str) -> str | None:
    """The version of a database; `None` where it is empty."""
    made = engine(url)
    try:
        async with made.connect() as connection:
            return await connection.run_sync(_found)
    finally:
        await made.dispose()


def _found(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def refuse_newer(connection: Connection) -> None:
    """Stops where the database has a version that this program does not know.

    Raises:
        NewerDatabase: it has.
    """
    found = _found(connection)
    if found is not None and found not in revisions():
        raise NewerDatabase(found, head())


def require_owner(connection: Connection) -> None:
    """Stops where the first step on the server is missing.

    Raises:
        UserMistake: there is no `munshi_owner`, or the caller may not act as it.
    """
    roles = text("SELECT rolname FROM pg_roles WHERE rolname = 'munshi_owner'")
    may = text("SELECT pg_has_role(session_user, 'munshi_owner', 'SET')")
    if connection.execute(roles).first() is None or not connection.execute(may).scalar():
        raise UserMistake(
            "this database is not prepared: its roles are missing, or this login may not act as "
            "munshi_owner; run munshi_migrations.bootstrap first and log in as munshi_admin"
        )


async def upgrade(url: str, revision: str = "head", *, beside_programs: bool = False) -> str:
    """Brings a database to `revision`, and gives back the version that it then has. Idempotent.

    Each version is one transaction. `url` logs in as `munshi_admin`. `beside_programs`: the version before
    runs meanwhile, as on a cluster.

    Raises:
        NewerDatabase: the database is ahead of this program; nothing was changed.
        TooFarApart: programs that run beside it would lose what they use; nothing was changed.
        UpgradeFailed: the server refused a statement; the version that it belongs to was not reached.
    """
    made = engine(url)
    try:
        async with made.connect() as connection:
            await _locked(connection)
            if beside_programs:
                refuse_too_far(await connection.run_sync(_found), revisions(), needs())
                await connection.commit()
            await connection.run_sync(_run, command.upgrade, revision)
            return await connection.run_sync(_found) or ""
    except (asyncpg.PostgresError, DBAPIError) as error:
        raise UpgradeFailed(error) from error
    finally:
        await made.dispose()


async def _locked(connection: AsyncConnection) -> None:
    # Ends with the connection. Not in a transaction: each version has one of its own.
    await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _UPGRADE_LOCK})
    await connection.commit()


def _run(connection: Connection, action: Any, *given: str) -> None:
    made = config()
    made.attributes["connection"] = connection
    action(made, *given)
    if connection.in_transaction():
        connection.commit()


def difference(connection: Connection) -> list[Any]:
    """What the models of `munshi.db.models` have otherwise than the database; empty where they agree."""
    from alembic.autogenerate import compare_metadata

    from munshi.db.models import Base

    context = MigrationContext.configure(
        connection,
        opts={"compare_type": True, "compare_server_default": True, "include_object": _ours},
    )
    found = compare_metadata(context, Base.metadata)
    return [one for one in found if "comment" not in _kind(one)]


def _kind(one: Any) -> str:
    # a change of a column comes as a list of tuples; comments stand in the SQL alone
    return str(one[0][0] if isinstance(one, list) else one[0])


def _ours(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")
