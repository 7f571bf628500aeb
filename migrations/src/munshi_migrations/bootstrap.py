"""The very first step on a server: roles, database, extension. The only one that a superuser runs.

On a managed PostgreSQL (16 or later) the provider's administrator does as well: it needs CREATEROLE and
CREATEDB, and the right to create the extension `vector`.
"""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from munshi.db.quoting import identifier, literal
from munshi.errors import UserMistake

_ROLES = """
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT * FROM (VALUES ('munshi_owner', 'NOLOGIN'), ('munshi_services', 'NOLOGIN'),
                                   ('munshi_admin', 'LOGIN CREATEROLE')) AS v (name, options) LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r.name) THEN
            EXECUTE format('CREATE ROLE %I %s', r.name, r.options);
        END IF;
    END LOOP;
END
$$;
GRANT munshi_owner TO munshi_admin WITH INHERIT FALSE, SET TRUE;
GRANT munshi_services TO munshi_admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
ALTER ROLE munshi_admin SET idle_in_transaction_session_timeout = '60s';
"""


OLDEST_SERVER = 16
"""Of PostgreSQL: from then on a role may give another on without having its rights itself."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What is to be there after the first step."""

    database: str
    """Made where it is not there."""
    admin_password: str = field(repr=False)
    """Of `munshi_admin`; set again on each run."""


async def bootstrap(superuser_url: str, wanted: Bootstrap) -> str:
    """Makes the roles, the database and the extension, each where it is missing. Idempotent.

    `superuser_url` names any database of the server (`postgres`). Gives back the address of the new database
    as `munshi_admin`, on the same server.

    Raises:
        UserMistake: the server is too old.
    """
    server = await asyncpg.connect(superuser_url)
    try:
        version = server.get_server_version().major
        if version < OLDEST_SERVER:
            raise UserMistake(f"this PostgreSQL is {version}; Munshi needs {OLDEST_SERVER} or later")
        # Roles are the whole server's: another bootstrap may run beside this one. Ends with the connection.
        await server.execute("SELECT pg_advisory_lock(hashtextextended('munshi.bootstrap', 0))")
        await _make_roles(server, wanted)
        await _make_database(server, wanted.database)
        await _make_extension(superuser_url, wanted.database)
    finally:
        await server.close()
    return address_as(superuser_url, "munshi_admin", wanted.admin_password, wanted.database)


async def _make_roles(server: asyncpg.Connection, wanted: Bootstrap) -> None:
    async with server.transaction():
        await server.execute(_ROLES)
        await server.execute(f"ALTER ROLE munshi_admin PASSWORD {literal(wanted.admin_password)}")
        if not await server.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = session_user"):
            # an administrator without superuser rights must be able to act as the owner to give it a database
            await server.execute("GRANT munshi_owner TO CURRENT_USER WITH INHERIT FALSE, SET TRUE")


async def _make_database(server: asyncpg.Connection, database: str) -> None:
    name = identifier(database)
    if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database):
        await server.execute(f"CREATE DATABASE {name} OWNER munshi_owner TEMPLATE template0")
    await server.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    await server.execute(f"GRANT CONNECT ON DATABASE {name} TO munshi_services, munshi_admin")


async def _make_extension(superuser_url: str, database: str) -> None:
    inside = await asyncpg.connect(superuser_url, database=database)
    try:
        await inside.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
        if not await inside.fetchval("SELECT has_schema_privilege('munshi_owner', 'public', 'CREATE')"):
            # the database was there before, and is another's
            await inside.execute("GRANT ALL ON SCHEMA public TO munshi_owner")
    finally:
        await inside.close()


def address_as(url: str, user: str, password: str, database: str) -> str:
    """The same server for another user and database."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit((parts.scheme, netloc, f"/{quote(database, safe='')}", parts.query, ""))
