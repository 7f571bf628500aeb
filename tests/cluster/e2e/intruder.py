"""Runs inside a pod, by the image's Python and the pod's own credentials; prints what it could do, as JSON.

Its argument is JSON: `addresses` (name -> host and port); tenant, cell and database role of another tenant.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

Told = dict[str, Any]
ANSWERED_SECONDS = 30.0
"""For what answers, by yes or by no, however busy its machine is."""
REACHED_SECONDS = 15.0
"""For a connection; to all addresses at once, since what may not be reached says nothing."""
REFUSED_SECONDS = 2.0
"""For what the bus refuses by silence."""
HAS_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
ASKED = json.loads(sys.argv[1])
(CELL,) = (folder for folder in Path("/etc/munshi/cells").iterdir() if folder.is_dir())
OTHER, OTHER_CELL, OTHER_ROLE = ASKED["other_tenant"], ASKED["other_cell"], ASKED["other_role"]


async def reaches(host: str, port: int) -> bool:
    """Whether a connection opens."""
    try:
        async with asyncio.timeout(REACHED_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def attempt(work: Awaitable[Any], seconds: float = ANSWERED_SECONDS) -> bool | str:
    """Whether a request was answered, or the error's name."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except asyncpg.PostgresError as error:
        return type(error).__name__
    except (NatsError, TimeoutError, OSError):
        return False
    return True


async def seen(connection: Any, tenant: str) -> int:
    """How many messages of a tenant the pod's role sees, when it says that it works for that tenant."""
    await connection.execute("select set_config('munshi.tenant', $1, false)", tenant)
    return int(await connection.fetchval("select count(*) from inbound_messages where tenant = $1", tenant))


async def database() -> Told | None:
    """What the database lets this pod do; `None` where it is given no address of one."""
    file = CELL / "database-url"
    if not file.exists():
        return None
    url = file.read_text().strip()
    connection = await asyncpg.connect(url)
    own = CELL.name  # a dedicated tenant's cell bears its key
    told = {
        "rows_of_the_other": await seen(connection, OTHER),
        "own_rows": await seen(connection, own),
        "tenants": [row["tenant"] for row in await connection.fetch("select tenant from tenants")],
        "written": await attempt(connection.execute("update conversations set tenant = $1", OTHER)),
        "role_of_the_other": await attempt(connection.execute(f'set role "{OTHER_ROLE}"')),
        "passwords": await attempt(connection.fetch("select rolpassword from pg_authid")),
    }
    await connection.close()
    parts = urlsplit(url)
    login = parts._replace(netloc=f"{OTHER_ROLE}:{parts.password}@{parts.hostname}:{parts.port}")
    told["login_of_the_other"] = await attempt(asyncpg.connect(urlunsplit(login)))
    return told


async def bus() -> Told:
    """What the bus lets this pod do."""
    connection = await nats.connect(
        (CELL / "nats-url").read_text().strip(),
        user_credentials=str(CELL / "nats.creds"),
        inbox_prefix=f"_INBOX_{CELL.name}",
        connect_timeout=int(ANSWERED_SECONDS),
    )
    stream = connection.jetstream(timeout=ANSWERED_SECONDS)
    heard: list[str] = []

    async def hear(message: Msg) -> None:
        heard.append(message.subject)

    await attempt(connection.subscribe(f"munshi.{OTHER_CELL}.>", cb=hear))
    told: Told = {"own_stream": await attempt(stream.stream_info(f"munshi-{CELL.name}-events"))}
    forged = f"munshi.{OTHER_CELL}.in.{OTHER}.000.forged"
    for name, work in {
        "other_stream": stream.stream_info(f"munshi-{OTHER_CELL}-events"),
        "other_registry": stream.stream_info(f"KV_munshi-{OTHER_CELL}-tenants"),
        "published_to_other": stream.publish(forged, b"{}", timeout=REFUSED_SECONDS),
        "system": connection.request("$SYS.REQ.SERVER.PING", b"", timeout=REFUSED_SECONDS),
        "own_stream_deleted": stream.delete_stream(f"munshi-{CELL.name}-events"),
    }.items():
        told[name] = await attempt(work, REFUSED_SECONDS)
    told["heard"] = len(heard)
    await connection.close()
    return told


async def main() -> None:
    """Tries all of it."""
    names = list(ASKED["addresses"])
    opened = await asyncio.gather(*(reaches(*ASKED["addresses"][name]) for name in names))
    own = os.environ["HOSTNAME"]
    told = {
        "reached": [name for name, ok in zip(names, opened, strict=True) if ok and not name.startswith(own)],
        "token": HAS_TOKEN,
        "database": await database(),
        "bus": await bus(),
    }
    sys.stdout.write(json.dumps(told))


asyncio.run(main())
