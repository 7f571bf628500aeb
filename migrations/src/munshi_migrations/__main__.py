"""`python -m munshi_migrations upgrade|current|downgrade-check`, on the database of MUNSHI_DATABASE_URL.

Where MUNSHI_SUPERUSER_URL is given too, `upgrade` first makes what comes before the schema: roles, database
and extension, `munshi_admin` with the password of MUNSHI_DATABASE_URL.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import asyncpg
from sqlalchemy.exc import DBAPIError

from munshi.errors import UserMistake
from munshi_migrations.bootstrap import Bootstrap, bootstrap
from munshi_migrations.schema import NewerDatabase, current, head, revisions, upgrade

ENVIRONMENT = "MUNSHI_DATABASE_URL"
SUPERUSER = "MUNSHI_SUPERUSER_URL"

_AWAY = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)


async def _wait(url: str, seconds: float) -> None:
    """Until the server takes connections, whatever it then says to this login.

    Raises:
        UserMistake: it does not in that time.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            await (await asyncpg.connect(url, timeout=5)).close()
        except _AWAY as error:
            if time.monotonic() > until:
                raise UserMistake(f"the database does not answer: {error}") from error
            await asyncio.sleep(0.5)
        except asyncpg.PostgresError:
            return
        else:
            return


async def _upgrade(url: str, options: argparse.Namespace) -> None:
    superuser = os.environ.get(SUPERUSER)
    if options.wait:
        await _wait(superuser or url, options.wait)
    if superuser:
        parts = urlsplit(url)
        wanted = Bootstrap(unquote(parts.path.lstrip("/")), unquote(parts.password or ""))
        await bootstrap(superuser, wanted)
    before = await current(url)
    after = await upgrade(url, beside_programs=not options.nothing_runs)
    _say(f"schema {after}, nothing to do" if before == after else f"schema {before or 'empty'} -> {after}")


async def _current(url: str, _options: argparse.Namespace) -> None:
    _say(f"schema {await current(url) or 'empty'}, this program knows {head()}")


async def _downgrade_check(url: str, _options: argparse.Namespace) -> None:
    found = await current(url)
    if found is not None and found not in revisions():
        raise NewerDatabase(found, head())
    _say(f"schema {found or 'empty'}: this program can work with it")


_COMMANDS = {"upgrade": _upgrade, "current": _current, "downgrade-check": _downgrade_check}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="munshi_migrations", description=__doc__)
    parser.add_argument(
        "command", choices=sorted(_COMMANDS), help="downgrade-check: may this program run on it?"
    )
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for the server"
    )
    parser.add_argument(
        "--nothing-runs", action="store_true", help="all pods are stopped: take away what old ones would use"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed, 2 wrong use."""
    options = _parsed(arguments)
    url = os.environ.get(ENVIRONMENT)
    if not url:
        sys.stderr.write(f"{ENVIRONMENT} is not set; give the address of the database as munshi_admin\n")
        return 2
    try:
        asyncio.run(_COMMANDS[options.command](url, options))
    except (UserMistake, OSError, asyncpg.PostgresError, DBAPIError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
