"""`python -m munshi_migrations upgrade|current|downgrade-check`, on the database of MUNSHI_DATABASE_URL."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

import asyncpg
from sqlalchemy.exc import DBAPIError

from munshi.errors import UserMistake
from munshi_migrations.schema import NewerDatabase, current, head, revisions, upgrade

ENVIRONMENT = "MUNSHI_DATABASE_URL"


async def _upgrade(url: str) -> None:
    before = await current(url)
    after = await upgrade(url)
    _say(f"schema {after}, nothing to do" if before == after else f"schema {before or 'empty'} -> {after}")


async def _current(url: str) -> None:
    _say(f"schema {await current(url) or 'empty'}, this program knows {head()}")


async def _downgrade_check(url: str) -> None:
    found = await current(url)
    if found is not None and found not in revisions():
        raise NewerDatabase(found, head())
    _say(f"schema {found or 'empty'}: this program can work with it")


_COMMANDS = {"upgrade": _upgrade, "current": _current, "downgrade-check": _downgrade_check}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="munshi_migrations", description=__doc__)
    parser.add_argument(
        "command", choices=sorted(_COMMANDS), help="downgrade-check: may this program run on it?"
    )
    chosen = parser.parse_args(arguments).command
    url = os.environ.get(ENVIRONMENT)
    if not url:
        sys.stderr.write(f"{ENVIRONMENT} is not set; give the address of the database as munshi_admin\n")
        return 2
    try:
        asyncio.run(_COMMANDS[chosen](url))
    except (UserMistake, OSError, asyncpg.PostgresError, DBAPIError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
