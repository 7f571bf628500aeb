"""Cells as NATS accounts: their JWTs, their users' creds, and connections for one errand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client, RawCredentials

from munshi.contracts.ids import CellName
from munshi.contracts.subjects import registry_bucket
from munshi.provision.key_ring import CellKeys, KeyRing
from munshi.provision.nats_jwt import (
    AccountLimits,
    Identity,
    Permissions,
    account_jwt,
    creds,
    operator_jwt,
    user_jwt,
)


@dataclass(frozen=True, slots=True)
class Operator:
    """Who may make accounts on a server."""

    identity: Identity
    system_account: Identity
    system_user: Identity
    issued_at: int | None = None
    """Time of issue of the three JWTs below, a Unix time; now by default."""

    @classmethod
    def of(cls, ring: KeyRing) -> "Operator":
        """The operator of a platform."""
        return cls(
            Identity.from_seed(ring.operator_seed),
            Identity.from_seed(ring.system_account_seed),
            Identity.from_seed(ring.system_user_seed),
        )

    def jwt(self) -> str:
        """The operator's JWT, for the server's configuration."""
        return operator_jwt(self.identity, "munshi", self.system_account.public, self.issued_at)

    def system_account_jwt(self) -> str:
        """The system account's JWT, for the server's configuration."""
        return account_jwt(self.identity, self.system_account.public, "SYS", None, issued_at=self.issued_at)

    def system_creds(self) -> str:
        """`.creds` of a user of the system account: may push and delete accounts. An administrator's."""
        jwt = user_jwt(self.system_account, self.system_user.public, "provisioning", issued_at=self.issued_at)
        return creds(jwt, self.system_user.seed)


@dataclass(frozen=True, slots=True)
class CellUsers:
    """`.creds` contents of a cell's two users."""

    services: str
    admin: str


def cell_account_jwt(operator: Operator, cell: CellName, keys: CellKeys, limits: AccountLimits) -> str:
    """The account of a cell."""
    return account_jwt(operator.identity, Identity.from_seed(keys.account_seed).public, cell, limits)


def cell_users(cell: CellName, keys: CellKeys) -> CellUsers:
    """The users of a cell: services read the registry and never change it, nor take a stream away."""
    account = Identity.from_seed(keys.account_seed)
    bucket = registry_bucket(cell)
    services = Permissions(
        deny_publish=(
            f"$KV.{bucket}.>",
            f"$JS.API.STREAM.DELETE.KV_{bucket}",
            f"$JS.API.STREAM.PURGE.KV_{bucket}",
            f"$JS.API.STREAM.UPDATE.KV_{bucket}",
            f"$JS.API.STREAM.MSG.DELETE.KV_{bucket}",
            "$JS.API.STREAM.DELETE.*",
        )
    )
    service, admin = Identity.from_seed(keys.service_seed), Identity.from_seed(keys.admin_seed)
    return CellUsers(
        services=creds(user_jwt(account, service.public, f"{cell} services", services), service.seed),
        admin=creds(user_jwt(account, admin.public, f"{cell} admin"), admin.seed),
    )


@asynccontextmanager
async def connected(url: str, creds_text: str | None, name: str) -> AsyncIterator[Client]:
    """A connection for one errand: does not reconnect, fails within seconds."""
    credentials: dict[str, Any] = (
        {} if creds_text is None else {"user_credentials": RawCredentials(creds_text)}
    )
    connection = Client()
    try:
        await connection.connect(
            url,
            name=name,
            allow_reconnect=False,
            connect_timeout=5,
            inbox_prefix="_INBOX_provision",
            error_cb=_ignore,
            **credentials,
        )
        yield connection
    finally:
        # Also after a refusal: the library leaves the socket open then.
        await connection.close()


async def _ignore(_: Exception) -> None:
    """The errand's own call raises what went wrong; the client would print it to standard error as well."""
