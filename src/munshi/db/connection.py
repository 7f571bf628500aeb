"""Connections of the hot paths: an asyncpg pool for a cell, as the cell's own role."""

from decimal import Decimal
from typing import Any, TypeAlias

import asyncpg
import orjson

Pool: TypeAlias = asyncpg.Pool
"""A pool whose connections speak JSON by orjson."""

_JSONB_VERSION = b"\x01"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} does not go into JSON")


def _encode(value: Any) -> bytes:
    return _JSONB_VERSION + orjson.dumps(value, default=_plain)


def _decode(data: bytes) -> Any:
    return orjson.loads(memoryview(data)[1:])


async def _speak_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary"
    )


async def _no_reset(_connection: Any) -> None:
    """Nothing to undo: the functions set the tenant for their own transaction only, and no session state is
    used. The driver's own reset would be a second round trip on every call."""


async def open_pool(url: str, *, name: str, size: int = 16, timeout_seconds: float = 10.0) -> Pool:
    """Opens a pool of at most `size` connections, one of them at once. `name` is seen in pg_stat_activity.

    Works behind PgBouncer in transaction mode (`max_prepared_statements` > 0).
    """
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        max_inactive_connection_lifetime=300.0,
        timeout=timeout_seconds,
        command_timeout=timeout_seconds,
        init=_speak_json,
        reset=_no_reset,
        server_settings={"application_name": name},
    )
