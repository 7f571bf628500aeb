"""What a cell's role and row, and a tenant's row, lack against what is wanted. Reads only. As `munshi_admin`.

At rest nothing is written: a resync of a thousand tenants must not write a catalogue a thousand times over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import WhatsAppTenantSpec
from munshi.db.admin import ROLE_SETTINGS, books_of

_POWERS = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")

_ROLE = """
SELECT r.rolcanlogin, r.rolconnlimit,
       r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
       ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = r.oid) AS groups,
       (SELECT s.setconfig FROM pg_db_role_setting s
        WHERE s.setrole = r.oid AND s.setdatabase = 0) AS settings,
       (SELECT c.role_name FROM cells c WHERE c.cell = $2) AS named,
       (SELECT l.verifier FROM cell_logins l WHERE l.cell = $2) AS verifier
FROM pg_roles r WHERE r.rolname = $1
"""

_ROW = """
SELECT t.cell, t.display_name, t.assistant, t.time_zone, t.books::text AS books, t.deleted_at,
       t.role_name = (SELECT c.role_name FROM cells c WHERE c.cell = t.cell) AS rightful
FROM tenants t WHERE t.tenant = $1
"""


@dataclass(frozen=True, slots=True)
class RoleState:
    """How a cell's role stands. `lacks` and `too_much` name what differs, in words."""

    there: bool
    lacks: tuple[str, ...]
    too_much: tuple[str, ...]
    """Rights that a cell never gets, and groups that it is in besides its own."""


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant's row, where there is one."""

    cell: CellName | None
    """`None`: deleted, its data kept."""
    rightful: bool
    """Whether the role that sees its rows is that of its cell."""
    values: Mapping[str, Any]

    def holds(self, spec: WhatsAppTenantSpec) -> bool:
        """Whether the row says of the tenant what its spec says."""
        return self.rightful and self.values == wanted_row(spec)


def wanted_row(spec: WhatsAppTenantSpec) -> Mapping[str, Any]:
    """What the row says of a tenant, apart from where it is served."""
    return {
        "display_name": spec.display_name,
        "assistant": spec.assistant.value,
        "time_zone": spec.time_zone,
        "books": books_of(spec),
    }


async def look_at_role(
    connection: asyncpg.Connection, cell: CellName, role: str, connection_limit: int, verifier: str
) -> RoleState:
    """How the role of a cell stands. `verifier` is what PgBouncer shall be told."""
    found = await connection.fetchrow(_ROLE, role, cell)
    if found is None:
        return RoleState(False, ("role",), ())
    lacks = []
    if found["named"] != role:
        lacks.append("row of the cell")
    if found["verifier"] != verifier:
        lacks.append("login for PgBouncer")
    if not found["rolcanlogin"]:
        lacks.append("login")
    if found["rolconnlimit"] != connection_limit:
        lacks.append("connection limit")
    if "munshi_services" not in found["groups"]:
        lacks.append("grant of munshi_services")
    if not set(_settings()) <= {_plain(one) for one in found["settings"] or ()}:
        lacks.append("settings")
    too_much = [name for name in _POWERS if found[name]]
    too_much += [group for group in found["groups"] if group != "munshi_services"]
    return RoleState(True, tuple(lacks), tuple(too_much))


async def look_at_tenant(connection: asyncpg.Connection, tenant: TenantKey) -> TenantRow | None:
    """A tenant's row."""
    found = await connection.fetchrow(_ROW, tenant)
    if found is None:
        return None
    names = ("display_name", "assistant", "time_zone")
    values = {name: found[name] for name in names} | {"books": orjson.loads(found["books"])}
    served = found["deleted_at"] is None and found["cell"] is not None
    return TenantRow(CellName(found["cell"]) if served else None, bool(found["rightful"]), values)


def _settings() -> list[str]:
    return [_plain(f"{name}={value}") for name, value in ROLE_SETTINGS.items()]


def _plain(setting: str) -> str:
    """PostgreSQL writes `TimeZone=UTC` for `timezone`."""
    name, _, value = setting.partition("=")
    return f"{name.lower()}={value}"
