"""Accounts on a running NATS server: the requests that its own resolver takes.

Each goes over an open connection of a user of the system account; opening and keeping it is the caller's. All
raise what the client raises where the server does not answer (`nats.errors.Error`, `TimeoutError`).
"""

from collections.abc import Mapping
from typing import Any

import orjson
from nats.aio.client import Client

from munshi.errors import Permanent
from munshi.provision.nats_jwt import Identity, claims, deletion_jwt

_UPDATE = "$SYS.REQ.CLAIMS.UPDATE"
_LOOKUP = "$SYS.REQ.ACCOUNT.{}.CLAIMS.LOOKUP"
_DELETE = "$SYS.REQ.CLAIMS.DELETE"
_SECONDS = 5.0


class AccountRefused(Permanent):
    """The server takes no such account, or no such request, from us."""


async def look_up(client: Client, account: str) -> Mapping[str, Any] | None:
    """The claims that the server holds of an account (public key); `None` where it knows none."""
    held = await _ask(client, _LOOKUP.format(account), "")
    return claims(held.decode()) if held else None


async def push(client: Client, name: str, jwt: str) -> bool:
    """Makes or updates an account (`name`: for messages); whether it had to be pushed.

    An account that says the same already is left alone: an update is felt by everybody connected to it.

    Raises:
        AccountRefused: the server refused.
    """
    wanted = claims(jwt)
    held = await look_up(client, wanted["sub"])
    if held is not None and (held["nats"], held["iss"]) == (wanted["nats"], wanted["iss"]):
        return False
    _check(await _ask(client, _UPDATE, jwt), f"account {name}")
    return True


async def delete(client: Client, operator: Identity, account: str) -> None:
    """Takes an account (public key) off; its users are disconnected. Its streams must have been deleted
    before: what is left of them would come back with an account of the same key.

    Raises:
        AccountRefused: the server refused.
    """
    _check(await _ask(client, _DELETE, deletion_jwt(operator, [account])), "deletion of an account")


async def _ask(client: Client, subject: str, data: str) -> bytes:
    reply = await client.request(subject, data.encode(), timeout=_SECONDS)
    return bytes(reply.data)


def _check(reply: bytes, what: str) -> None:
    said = orjson.loads(reply)
    if "error" in said:
        raise AccountRefused(
            f"NATS refused the {what}: {said['error'].get('description')}", "account_refused"
        )
