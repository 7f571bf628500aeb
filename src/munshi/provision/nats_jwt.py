"""NATS operator, accounts and users as JWTs, signed with `nkeys`. Pure: builds claims, opens no socket.

The format is that of NATS JWT version 2: header `{"typ":"JWT","alg":"ed25519-nkey"}`, `jti` the base32 of the
claims' SHA-512/256, signature by the issuer's seed.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nkeys

_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
_UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Identity:
    """A key pair of NATS: `seed` is secret (`S…`), `public` names its owner."""

    seed: str = field(repr=False)
    public: str

    @classmethod
    def from_seed(cls, seed: str) -> "Identity":
        """The key pair of a seed."""
        return cls(seed, nkeys.from_seed(bytearray(seed.encode())).public_key.decode())

    def sign(self, text: str) -> bytes:
        """Ed25519 signature."""
        signature: bytes = nkeys.from_seed(bytearray(self.seed.encode())).sign(text.encode())
        return signature


def new_operator() -> Identity:
    """A key pair of an operator (`O…`)."""
    return _new(nkeys.PREFIX_BYTE_OPERATOR)


def new_account() -> Identity:
    """A key pair of an account (`A…`)."""
    return _new(nkeys.PREFIX_BYTE_ACCOUNT)


def new_user() -> Identity:
    """A key pair of a user (`U…`)."""
    return _new(nkeys.PREFIX_BYTE_USER)


def _new(prefix: int) -> Identity:
    return Identity.from_seed(nkeys.encode_seed(secrets.token_bytes(32), prefix).decode())


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What one account may use. Bytes are bytes; -1 is no limit."""

    disk_bytes: int = _UNLIMITED
    memory_bytes: int = 0
    streams: int = 20
    """Two streams and the registry's bucket, with room to grow."""
    consumers: int = 2_000
    """A lane each, and a watch for each service."""
    connections: int = 200


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do within its account. Empty lists allow everything; a denial goes before."""

    deny_publish: Sequence[str] = ()
    deny_subscribe: Sequence[str] = ()
    allow_publish: Sequence[str] = ()
    allow_subscribe: Sequence[str] = ()


def operator_jwt(operator: Identity, name: str, system_account: str, issued_at: int | None = None) -> str:
    """The operator's own JWT. `system_account` is a public key; `issued_at` a Unix time, now by default."""
    nats = {"type": "operator", "version": 2, "system_account": system_account}
    return _signed(operator, operator.public, name, nats, issued_at)


def account_jwt(
    operator: Identity,
    account: str,
    name: str,
    limits: AccountLimits | None,
    revoked: Mapping[str, int] | None = None,
    issued_at: int | None = None,
) -> str:
    """An account's JWT. `limits` absent: no JetStream (the system account).

    `revoked` maps a user's public key to a Unix time: credentials issued up to then are refused. Without
    `issued_at` no two are alike: a server passes over a text that it has seen, even when it has deleted the
    account since, so one deleted and made again within a second would stay shut.
    """
    given = limits or AccountLimits(disk_bytes=0, streams=0, consumers=0, connections=_UNLIMITED)
    nats: dict[str, Any] = {
        "limits": {
            "subs": _UNLIMITED,
            "data": _UNLIMITED,
            "payload": _UNLIMITED,
            "imports": _UNLIMITED,
            "exports": _UNLIMITED,
            "wildcards": True,
            "conn": given.connections,
            "leaf": 0,
            "mem_storage": given.memory_bytes,
            "disk_storage": given.disk_bytes,
            "streams": given.streams,
            "consumer": given.consumers,
        },
        "default_permissions": {"pub": {}, "sub": {}},
        "type": "account",
        "version": 2,
    }
    if revoked:
        nats["revocations"] = dict(revoked)
    unlike = secrets.token_hex(8) if issued_at is None else None
    return _signed(operator, account, name, nats, issued_at, unlike)


def user_jwt(
    account: Identity,
    user: str,
    name: str,
    permissions: Permissions | None = None,
    issued_at: int | None = None,
) -> str:
    """A user's JWT, issued by its account."""
    may = permissions or Permissions()
    nats = {
        "pub": _permission(may.allow_publish, may.deny_publish),
        "sub": _permission(may.allow_subscribe, may.deny_subscribe),
        "subs": _UNLIMITED,
        "data": _UNLIMITED,
        "payload": _UNLIMITED,
        "type": "user",
        "version": 2,
    }
    return _signed(account, user, name, nats, issued_at)


def _permission(allow: Sequence[str], deny: Sequence[str]) -> dict[str, list[str]]:
    lists = {"allow": list(allow), "deny": list(deny)}
    return {name: subjects for name, subjects in lists.items() if subjects}


def deletion_jwt(operator: Identity, accounts: Sequence[str]) -> str:
    """The request that takes accounts (public keys) off the resolver."""
    return _signed(operator, operator.public, "delete", {"accounts": list(accounts), "type": "generic"})


def creds(jwt: str, seed: str) -> str:
    """Content of a `.creds` file: a user's JWT and seed."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )


def claims(jwt: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    body = jwt.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read


def _signed(
    issuer: Identity,
    subject: str,
    name: str,
    nats: Mapping[str, Any],
    issued_at: int | None = None,
    audience: str | None = None,
) -> str:
    body: dict[str, Any] = {
        "iat": int(time.time()) if issued_at is None else issued_at,
        "iss": issuer.public,
        "name": name,
        "nats": nats,
        "sub": subject,
    }
    if audience is not None:
        body["aud"] = audience
    digest = hashlib.new("sha512_256", _compact(body)).digest()
    body["jti"] = base64.b32encode(digest).decode().rstrip("=")
    unsigned = f"{_segment(_compact(_HEADER))}.{_segment(_compact(body))}"
    return f"{unsigned}.{_segment(issuer.sign(unsigned))}"


def _compact(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
