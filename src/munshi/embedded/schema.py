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


def database_name(url: str) -> str:
    """The database that a DSN names; `munshi` where it names none, or the server's own."""
    name = unquote(urlsplit(url).path.lstrip("/"))
    return name if name not in {"", "postgres"} else _DATABASE


def admin_url(superuser_url: str, ring: KeyRing) -> str:
    """DSN of `munshi_admin`."""
    return as_user(_at(superuser_url, database_name(superuser_url)), _ADMIN, ring.database_admin_password)


async def bring_up_to_date(
    data: DataFolder, superuser_url: str, ring: KeyRing, say: Callable[[str], None]
) -> str:
    """Makes roles, database and schema, or raises the schema. Gives back the DSN of `munshi_admin`.

    Raises:
        UserMistake: the database was written by a newer program, or cannot be reached; nothing was changed.
    """
    url = admin_url(superuser_url, ring)
    stamp = {"program": _fingerprint(), "database": database_name(superuser_url)}
    stamp_file = data.root / "schema.json"
    if await _is_current(url, stamp_file.read_bytes() if stamp_file.exists() else b"{}", stamp):
        return url
    say("bringing the database schema up to date")
    from munshi_migrations.bootstrap import Bootstrap, bootstrap
    from munshi_migrations.schema import upgrade

    wanted = Bootstrap(database_name(superuser_url), ring.database_admin_password)
    url = await bootstrap(await _some_database(superuser_url), wanted)
    revision = await upgrade(url)
    write_private(stamp_file, orjson.dumps({**stamp, "revision": revision}).decode())
    return url


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


async def _is_current(url: str, noted: bytes, stamp: dict[str, str]) -> bool:
    """Whether the last start had this very program's migrations, on this database as it is now."""
    last = orjson.loads(noted)
    if {name: last.get(name) for name in stamp} != stamp:
        return False
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
    return bool(found == last.get("revision"))


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
