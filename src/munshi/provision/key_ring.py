"""The secrets that make a platform this one: made once, kept in one file that only its owner may read.

Losing it loses the way into everything that was sealed: it belongs to the data and to its backup.
"""

import os
import secrets
from pathlib import Path

from pydantic import BaseModel, Field

from munshi.contracts.ids import CellName, TenantKey
from munshi.errors import UserMistake
from munshi.provision.nats_jwt import new_account, new_operator, new_user
from munshi.sealing import new_key


class CellKeys(BaseModel):
    """Of one cell."""

    account_seed: str = Field(default_factory=lambda: new_account().seed, repr=False)
    """NATS account."""
    service_seed: str = Field(default_factory=lambda: new_user().seed, repr=False)
    """NATS user of the services."""
    admin_seed: str = Field(default_factory=lambda: new_user().seed, repr=False)
    """NATS user of provisioning: makes streams, writes the registry."""
    sealing_key: str = Field(default_factory=new_key, repr=False)
    database_password: str = Field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


class TenantKeys(BaseModel):
    """Of one tenant. They outlive a deletion that retains the data."""

    lookup_key: str = Field(default_factory=new_key, repr=False)
    data_key: str = Field(default_factory=new_key, repr=False)


class KeyRing(BaseModel):
    """All of them."""

    v: int = 1
    operator_seed: str = Field(default_factory=lambda: new_operator().seed, repr=False)
    system_account_seed: str = Field(default_factory=lambda: new_account().seed, repr=False)
    system_user_seed: str = Field(default_factory=lambda: new_user().seed, repr=False)
    postgres_password: str = Field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Of the embedded server's superuser."""
    database_admin_password: str = Field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Of the role `munshi_admin`: provisioning, dead letters, retention."""
    cells: dict[CellName, CellKeys] = {}
    tenants: dict[TenantKey, TenantKeys] = {}

    def cell(self, name: CellName) -> CellKeys:
        """A cell's keys, made now if it is new. The caller saves."""
        return self.cells.setdefault(name, CellKeys())

    def tenant(self, key: TenantKey) -> TenantKeys:
        """A tenant's keys, made now if it is new. The caller saves."""
        return self.tenants.setdefault(key, TenantKeys())


def load_key_ring(path: Path) -> KeyRing:
    """Reads the file; a fresh ring, not yet saved, where there is none.

    Raises:
        UserMistake: the file is there but unusable.
    """
    try:
        return KeyRing.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return KeyRing()
    except ValueError as error:
        raise UserMistake(
            f"{path} is damaged; put it back from a backup, the data cannot be read without it"
        ) from error


def save_key_ring(path: Path, ring: KeyRing) -> None:
    """Writes the file in one step, readable by its owner only."""
    write_private(path, ring.model_dump_json(indent=1))


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step; mode 0600; on disk before the name changes."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
