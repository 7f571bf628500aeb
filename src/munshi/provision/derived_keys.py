"""All keys of a platform from one: HKDF-SHA256 of the master key; owner and use are the context. Pure.

On a cluster nothing is stored for a cell or a tenant: every step of provisioning can run again anywhere, and
a tenant that was deleted and comes back opens its data with the same keys. On one machine the keys lie in a
file instead (`munshi.provision.key_ring`).

The contexts are for ever: another one is another key, and what was sealed under the old key stays shut. The
test vectors in `tests/operator/outside/test_derived_keys.py` hold them in place.
"""

import base64
import functools
from dataclasses import dataclass, field

import nkeys
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from munshi.contracts.ids import CellName, TenantKey
from munshi.errors import UserMistake
from munshi.provision.key_ring import CellKeys, TenantKeys
from munshi.provision.nats_accounts import Operator
from munshi.provision.nats_jwt import Identity
from munshi.provision.scram import scram_verifier

_SALT = b"munshi.dev/keys/v1"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The one secret of a platform on a cluster: 32 bytes."""

    secret: bytes = field(repr=False)

    @classmethod
    def from_hex(cls, text: str) -> "MasterKey":
        """Reads the key as its Secret holds it.

        Raises:
            UserMistake: it is not 32 bytes in hex.
        """
        try:
            secret = bytes.fromhex(text.strip())
        except ValueError:
            secret = b""
        if len(secret) != _BYTES:
            raise UserMistake(
                "the master key must be 32 bytes in hex (64 characters); make one with: openssl rand -hex 32"
            )
        return cls(secret)

    def derive(self, context: str) -> bytes:
        """32 bytes for one use. `context` names owner and use: `cell/pool/sealing-key`."""
        return HKDF(algorithm=SHA256(), length=_BYTES, salt=_SALT, info=context.encode()).derive(self.secret)

    def cell(self, cell: CellName) -> CellKeys:
        """The keys of a cell. Its service user is the orchestrator; ingress has a user of its own."""
        return CellKeys(
            account_seed=self.seed(f"cell/{cell}/account", nkeys.PREFIX_BYTE_ACCOUNT),
            service_seed=self.seed(f"cell/{cell}/orchestrator", nkeys.PREFIX_BYTE_USER),
            admin_seed=self.seed(f"cell/{cell}/admin", nkeys.PREFIX_BYTE_USER),
            sealing_key=self.derive(f"cell/{cell}/sealing-key").hex(),
            database_password=self._password(f"cell/{cell}/database-password"),
        )

    def ingress_user(self, cell: CellName) -> Identity:
        """The NATS user of a cell's ingress."""
        return Identity.from_seed(self.seed(f"cell/{cell}/ingress", nkeys.PREFIX_BYTE_USER))

    def media_user(self, cell: CellName) -> Identity:
        """The NATS user of a cell's media service."""
        return Identity.from_seed(self.seed(f"cell/{cell}/media", nkeys.PREFIX_BYTE_USER))

    def tenant(self, key: TenantKey) -> TenantKeys:
        """The keys of a tenant; the same in whichever cell it is served."""
        return TenantKeys(
            lookup_key=self.derive(f"tenant/{key}/lookup-key").hex(),
            data_key=self.derive(f"tenant/{key}/data-key").hex(),
        )

    def database_verifier(self, cell: CellName) -> str:
        """What the database keeps of a cell's password; the same each time."""
        salt = self.derive(f"cell/{cell}/database-salt")[:16]
        return scram_verifier(self.cell(cell).database_password, salt)

    def storage_secret(self, cell: CellName) -> str:
        """Secret key of a cell's user in the object store: 40 characters, as S3 has them."""
        return self._password(f"cell/{cell}/storage-secret")[:40]

    def pgbouncer_password(self) -> str:
        """Of the role with which PgBouncer asks for verifiers."""
        return self._password("platform/pgbouncer-password")

    def operator(self) -> Operator:
        """Who signs the accounts on the NATS server."""
        return _operator(self)

    def seed(self, context: str, prefix: int) -> str:
        """A seed of NATS; `prefix` says of what."""
        return str(nkeys.encode_seed(self.derive(context), prefix).decode())

    def _password(self, context: str) -> str:
        return base64.urlsafe_b64encode(self.derive(context)).decode().rstrip("=")


ISSUED_AT = 1_767_225_600
"""Time of issue in derived credentials, 2026-01-01T00:00:00Z: the same each time, so that a Secret that holds
them is written once and pods are not disturbed. What is revoked is revoked by a later time."""


@functools.lru_cache(maxsize=2)
def _operator(master: MasterKey) -> Operator:
    return Operator(
        identity=Identity.from_seed(master.seed("platform/nats-operator", nkeys.PREFIX_BYTE_OPERATOR)),
        system_account=Identity.from_seed(
            master.seed("platform/nats-system-account", nkeys.PREFIX_BYTE_ACCOUNT)
        ),
        system_user=Identity.from_seed(master.seed("platform/nats-system-user", nkeys.PREFIX_BYTE_USER)),
        issued_at=ISSUED_AT,
    )
