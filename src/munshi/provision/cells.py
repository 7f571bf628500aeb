"""Makes a cell: its NATS account with streams, its database role, and the folder that gives services both."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import orjson

from munshi.bus.streams import Sizing, delete_streams, ensure_streams
from munshi.cells import DEFAULT_PARTITIONS, ObjectStoreAddress
from munshi.contracts.ids import CellName
from munshi.provision import nats_claims
from munshi.provision.key_ring import CellKeys, write_private
from munshi.provision.nats_accounts import (
    CellUsers,
    Operator,
    cell_account_jwt,
    cell_users,
    connected,
)
from munshi.provision.nats_jwt import AccountLimits, Identity
from munshi.provision.object_store import object_store_text

_STREAM_SECONDS = 60.0
"""A stream is made once: a server with a slow or busy disk may take longer than the client's own 5 s."""


@dataclass(frozen=True, slots=True)
class Bus:
    """A NATS server, and who may make accounts on it."""

    url: str
    operator: Operator | None
    """Absent: a server without JWT accounts; all cells share what the URL gives."""

    def users(self, cell: CellName, keys: CellKeys) -> CellUsers | None:
        """Credentials of the cell's users; `None` where the server knows no accounts."""
        return cell_users(cell, keys) if self.operator else None

    def admin_creds(self, cell: CellName, keys: CellKeys) -> str | None:
        """Credentials for provisioning within the cell."""
        users = self.users(cell, keys)
        return users.admin if users else None


def account_limits(sizing: Sizing) -> AccountLimits:
    """What the account of one cell may use: room for its three streams."""
    room = sizing.event_bytes + sizing.dead_bytes + sizing.registry_bytes
    return AccountLimits(disk_bytes=room * sizing.replicas)


async def ensure_bus(bus: Bus, cell: CellName, keys: CellKeys, sizing: Sizing | None = None) -> None:
    """Makes or updates the cell's account and streams. May run any number of times.

    Raises:
        Permanent: the server refused.
    """
    sizing = sizing or Sizing()
    if bus.operator is not None:
        jwt = cell_account_jwt(bus.operator, cell, keys, account_limits(sizing))
        async with connected(bus.url, bus.operator.system_creds(), "provisioning") as connection:
            await nats_claims.push(connection, cell, jwt)
    async with connected(bus.url, bus.admin_creds(cell, keys), "provisioning") as connection:
        await ensure_streams(connection.jetstream(timeout=_STREAM_SECONDS), cell, sizing)


async def remove_bus(bus: Bus, cell: CellName, keys: CellKeys) -> None:
    """Takes the cell's streams away, with all that is in them, and its account; its users are disconnected.
    The account must be there."""
    async with connected(bus.url, bus.admin_creds(cell, keys), "provisioning") as connection:
        await delete_streams(connection.jetstream(timeout=_STREAM_SECONDS), cell)
    if bus.operator is not None:
        account = Identity.from_seed(keys.account_seed).public
        async with connected(bus.url, bus.operator.system_creds(), "provisioning") as connection:
            await nats_claims.delete(connection, bus.operator.identity, account)


def write_cell(
    cells_dir: Path,
    cell: CellName,
    keys: CellKeys,
    bus: Bus,
    database_url: str | None,
    objects: ObjectStoreAddress | None = None,
) -> Path:
    """Writes the folder that services watch (see `munshi.cells`); `cell.json` comes last, makes it valid."""
    folder = cells_dir / cell
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    users = bus.users(cell, keys)
    described = orjson.dumps({"cell": cell, "partitions": DEFAULT_PARTITIONS}).decode()
    contents = {
        "nats-url": bus.url,
        "nats.creds": users.services if users else None,
        "database-url": database_url,
        "sealing-key": keys.sealing_key,
        "object-store.json": object_store_text(objects) if objects else None,
        "cell.json": described,
    }
    for name, content in contents.items():
        _replace(folder / name, content)
    return folder


def remove_cell(cells_dir: Path, cell: CellName) -> None:
    """Takes the folder away; services stop serving the cell within 2 s."""
    folder = cells_dir / cell
    (folder / "cell.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _replace(path: Path, content: str | None) -> None:
    """Leaves an unchanged file alone, since services look for changes. Credentials are made anew each time,
    with a new time of issue, so an old pair that is still good stays."""
    if content is None:
        path.unlink(missing_ok=True)
    elif path.name == "nats.creds" and path.exists() and _seed(path.read_text()) == _seed(content):
        return
    elif not path.exists() or path.read_text() != content:
        write_private(path, content)


def _seed(creds_text: str) -> str:
    return creds_text.partition("BEGIN USER NKEY SEED")[2]


def as_user(database_url: str, user: str, password: str) -> str:
    """The same database for another user."""
    parts = urlsplit(database_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))
