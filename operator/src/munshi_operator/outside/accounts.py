"""Cells' accounts on the NATS server: looked up, pushed, revoked, deleted over one long-lived connection.

The connection is a user's of the system account; it is opened when first needed and made again when it broke.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nats.errors
from nats.aio.client import Client, RawCredentials

from munshi.provision import nats_claims
from munshi.provision.derived_keys import MasterKey
from munshi.provision.nats_jwt import account_jwt
from munshi_operator.outside.plan import CellPlan

_SECONDS = 5


@dataclass
class Accounts:
    """The accounts of one server or cluster."""

    url: str
    master: MasterKey = field(repr=False)
    _client: Client | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ensure(self, plan: CellPlan, *, revoked: Mapping[str, int] | None = None) -> bool:
        """Makes the account say what the plan says; whether it had to be pushed.

        An account that says so already is left alone: an update is felt by everybody connected to it.
        `revoked` maps users' public keys to a Unix time; nobody by default, which takes back what was.

        Raises:
            AccountRefused: the server refused.
            nats.errors.Error, OSError, TimeoutError: it does not answer.
        """
        operator = self.master.operator().identity
        jwt = account_jwt(operator, plan.account, plan.cell, plan.limits, revoked)
        return await nats_claims.push(await self._open(), plan.cell, jwt)

    async def shut_out(self, plan: CellPlan, users: tuple[str, ...]) -> None:
        """Disconnects users of an account for good, until `ensure` lets them in again. Nothing where there is
        no such account."""
        held = await self.look_up(plan.account)
        if held is None or set(users) <= set(held["nats"].get("revocations") or {}):
            return
        await self.ensure(plan, revoked=dict.fromkeys(users, int(time.time())))

    async def look_up(self, account: str) -> Mapping[str, Any] | None:
        """The claims that the server holds of an account (public key); `None` where it knows none."""
        return await nats_claims.look_up(await self._open(), account)

    async def delete(self, account: str) -> None:
        """Takes an account off, where there is one; see `nats_claims.delete`."""
        if await self.look_up(account) is None:
            return
        await nats_claims.delete(await self._open(), self.master.operator().identity, account)

    async def close(self) -> None:
        """Closes the connection."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError, AssertionError):
                await client.close()

    async def _open(self) -> Client:
        async with self._opening:
            if self._client is not None and not self._client.is_closed:
                return self._client
            self._client = await connect(self.url, self.master.operator().system_creds(), lasting=True)
            return self._client


async def connect(url: str, creds_text: str, *, lasting: bool) -> Client:
    """A connection for provisioning; `lasting` ones come back by themselves, once they were open.

    Raises:
        nats.errors.Error, OSError, TimeoutError: no server, or not let in.
    """
    client = Client()
    try:
        # The library tries for ever where a lasting connection does not come about.
        async with asyncio.timeout(2 * _SECONDS):
            await client.connect(
                [one.strip() for one in url.split(",")],
                name="munshi-operator",
                user_credentials=RawCredentials(creds_text),
                allow_reconnect=lasting,
                max_reconnect_attempts=-1 if lasting else 0,
                reconnect_time_wait=1,
                connect_timeout=_SECONDS,
                ping_interval=10,
                inbox_prefix="_INBOX_provision",
                error_cb=_quiet,
            )
    except BaseException:
        # Also after a refusal: the library leaves the socket open then.
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError, AssertionError):
            await client.close()
        raise
    return client


async def _quiet(_: Exception) -> None:
    """The request itself fails with what went wrong; the client would print it as well."""
