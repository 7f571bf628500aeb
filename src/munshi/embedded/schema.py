"""Brings the database to this program's schema: quickly where nothing changed since the last start."""

import hashlib
from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import orjson

from munshi.embedded.data_folder import DataFolder
from munshi.errors import UserMistake
from munshi.provision.cells import as_user
from munshi.provision.key_ring import KeyRing, write_private

_DATABASE = "munshi"
_ADMIN = "munshi_admin"
_STAMP = "schema.json"


def database_name(url: str) -> str:
    """The database that a DSN names; `munshi` where it names none, or the server's own."""
    name = unquote(urlsplit(url).path.lstrip("/"))
    return name if name not in {"", "postgres"} else _DATABASE


def admin_url(superuser_url: str, ring: KeyRing) -> str:
    """DSN of `munshi_admin`."""
    return as_user(_at(superuser_url, database_name(superuser_url)), _ADMIN, ring.database_admin_password)


def probably_current(data: DataFolder, superuser_url: str) -> bool:
    """Whether the last start ended with this program's schema on this database. Asks no server."""
    return _noted(data, superuser_url) is not None


async def bring_up_to_date(
    data: DataFolder, superuser_url: str, ring: KeyRing, say: Callable[[str], None]
) -> tuple[str, bool]:
    """Makes roles, database and schema, or raises the schema.

    Gives back the DSN of `munshi_admin`, and whether anything was changed.

    Raises:
        UserMistake: the database was written by a newer program, or cannot be reached; nothing was changed.
    """
    url = admin_url(superuser_url, ring)
    noted = _noted(data, superuser_url)
    if noted is not None and await _has(url, noted):
        return url, False
    say("bringing the database schema up to date")
    from munshi_migrations.bootstrap import Bootstrap, bootstrap
    from munshi_migrations.schema import upgrade

    wanted = Bootstrap(database_name(superuser_url), ring.database_admin_password)
    url = await bootstrap(await _some_database(superuser_url), wanted)
    revision = await upgrade(url)
    stamp = {**_stamp(superuser_url), "revision": revision}
    write_private(data.root / _STAMP, orjson.dumps(stamp).decode())
    return url, True


def _stamp(superuser_url: str) -> dict[str, str]:
    return {"program": _fingerprint(), "database": database_name(superuser_url)}


def _noted(data: DataFolder, superuser_url: str) -> str | None:
    """The revision that the last start left, if it had this very program's migrations and this database."""
    file = data.root / _STAMP
    last = orjson.loads(file.read_bytes()) if file.exists() else {}
    stamp = _stamp(superuser_url)
    return last.get("revision") if {name: last.get(name) for name in stamp} == stamp else None


def _at(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))


async def _some_database(superuser_url: str) -> str:
    """A database of the server that is there already, to connect to.

    Raises:
        UserMistake: the server cannot be reached, or lets nobody in.
    """
    problem: Exception | None = None
    for candidate in (_at(superuser_url, "postgres"), superuser_url):
        try:
            connection = await asyncpg.connect(candidate, timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            problem = error
            continue
        await connection.close()
        return candidate
    place = urlsplit(superuser_url).hostname
    raise UserMistake(f"the database server at {place} cannot be used: {problem}; check --database-url")


async def _has(url: str, revision: str) -> bool:
    """Whether the database is at this revision, and lets `munshi_admin` in."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.PostgresError:
        return False
    finally:
        await connection.close()
    return bool(found == revision)


def _fingerprint() -> str:
    """Changes with any file of the migrations."""
    digest = hashlib.sha256()
    _feed(digest, files("munshi_migrations"))
    return digest.hexdigest()


def _feed(digest: "hashlib._Hash", folder: Traversable) -> None:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir() and entry.name != "__pycache__":
            _feed(digest, entry)
        elif entry.name.endswith((".py", ".sql")):
            digest.update(entry.name.encode() + entry.read_bytes())
