"""What a running service knows of its tenants: opened entries, found by key and by phone number id. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from munshi.cells import Cell
from munshi.contracts.ids import CellName, PhoneNumberID, TenantKey
from munshi.contracts.tenant import Credentials, TenantEntry, WhatsAppTenantSpec, tenant_key
from munshi.errors import Permanent
from munshi.sealing import unseal_credentials

_log = structlog.get_logger()

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_KEY = re.compile(r"[a-z0-9][-a-z0-9]*_[a-z0-9][-a-z0-9]*")
"""A token of subjects and a segment of paths; nothing else may become one."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as a running service knows it: its entry and the opened credentials, ready for use."""

    key: TenantKey
    cell: CellName
    spec: WhatsAppTenantSpec
    generation: int
    revision: int
    """The bucket's sequence of this entry: grows with each change."""
    credentials: Credentials = field(repr=False)
    app_secrets: tuple[bytes, ...] = field(repr=False)
    """The present secret and, during a rotation, the previous one."""
    verify_token: bytes = field(repr=False)
    lookup_key: bytes = field(repr=False)
    """32 bytes; keys conversation keys and the hashes of numbers."""
    data_key: bytes = field(repr=False)
    """32 bytes; seals numbers at rest."""
    numbers: frozenset[PhoneNumberID]
    """The tenant's own phone number ids."""
    created: datetime | None = None
    """When it was made; unknown counts as the oldest."""


def open_entry(cell: Cell, value: bytes, revision: int) -> Tenant:
    """Reads one registry entry.

    Raises:
        ValidationError: it is no entry, or its credentials are none.
        Permanent: the credentials do not open, or the entry belongs to another cell.
        ValueError: a key is no hex.
    """
    entry = TenantEntry.model_validate_json(value)
    if not _KEY.fullmatch(entry.key) or entry.key != tenant_key(entry.namespace, entry.name):
        raise Permanent("the key is not the namespace and name", "other_key")
    if entry.cell != cell.name:
        raise Permanent(f"an entry of cell {entry.cell} in the registry of {cell.name}", "other_cell")
    credentials = unseal_credentials(cell.sealing_key, entry.sealed, entry.key)
    secrets = [credentials.app_secret, credentials.app_secret_previous]
    return Tenant(
        key=entry.key,
        cell=entry.cell,
        spec=entry.spec,
        generation=entry.generation,
        revision=revision,
        credentials=credentials,
        app_secrets=tuple(s.get_secret_value().encode() for s in secrets if s and s.get_secret_value()),
        verify_token=credentials.verify_token.get_secret_value().encode(),
        lookup_key=bytes.fromhex(credentials.lookup_key.get_secret_value()),
        data_key=bytes.fromhex(credentials.data_key.get_secret_value()),
        numbers=frozenset(PhoneNumberID(n.phone_number_id) for n in entry.spec.whatsapp.phone_numbers),
        created=entry.created,
    )


Listener = Callable[[TenantKey, Tenant | None], None]


class TenantDirectory:
    """All tenants of all cells that a service serves, by key and by phone number id."""

    def __init__(self) -> None:
        self._tenants: dict[TenantKey, Tenant] = {}
        self._claims: dict[PhoneNumberID, list[TenantKey]] = {}
        self._known_cells: set[CellName] = set()
        self._listeners: list[Listener] = []

    def get(self, key: str) -> Tenant | None:
        """The tenant of a key."""
        return self._tenants.get(TenantKey(key))

    def of_number(self, phone_number_id: str) -> Tenant | None:
        """The tenant that owns a number. Where two claim it, the older tenant keeps it."""
        claims = self._claims.get(PhoneNumberID(phone_number_id))
        return self._tenants[claims[0]] if claims else None

    def of_business_account(self, account: str) -> list[Tenant]:
        """The tenants of a WhatsApp business account. Walks over all: for rare account events only."""
        return [t for t in self._tenants.values() if t.spec.whatsapp.business_account_id == account]

    def of_cell(self, cell: CellName) -> list[Tenant]:
        """The tenants of a cell."""
        return [tenant for tenant in self._tenants.values() if tenant.cell == cell]

    def __iter__(self) -> Iterator[Tenant]:
        return iter(list(self._tenants.values()))

    def __len__(self) -> int:
        return len(self._tenants)

    def knows(self, cell: CellName) -> bool:
        """Whether the cell's registry was read whole at least once."""
        return cell in self._known_cells

    @property
    def known_cells(self) -> frozenset[CellName]:
        """Cells whose registry was read whole at least once."""
        return frozenset(self._known_cells)

    def on_change(self, listener: Listener) -> None:
        """`listener(key, tenant)` is called after each change; `None` for a tenant that went."""
        self._listeners.append(listener)

    def put(self, tenant: Tenant) -> None:
        """Takes in a new or changed tenant."""
        before = self._tenants.get(tenant.key)
        self._tenants[tenant.key] = tenant
        if before is not None:
            self._unclaim(before, before.numbers - tenant.numbers)
        for number in sorted(tenant.numbers):
            claims = self._claims.setdefault(number, [])
            if tenant.key not in claims:
                claims.append(tenant.key)
            claims.sort(key=self._age)
            for younger in claims[1:]:
                _log.error("number_claimed_twice", tenant=younger, owner=claims[0])
        for listener in self._listeners:
            listener(tenant.key, tenant)

    def remove(self, key: TenantKey, cell: CellName) -> None:
        """Forgets a tenant that is gone from `cell`; nothing where it lives in another cell by now."""
        tenant = self._tenants.get(key)
        if tenant is None or tenant.cell != cell:
            return
        del self._tenants[key]
        self._unclaim(tenant, tenant.numbers)
        for listener in self._listeners:
            listener(key, None)

    def mark_known(self, cell: CellName) -> None:
        """The cell's registry was read whole."""
        self._known_cells.add(cell)

    def drop_cell(self, cell: CellName) -> None:
        """Forgets a cell that is no longer served, and its tenants."""
        self._known_cells.discard(cell)
        for tenant in self.of_cell(cell):
            self.remove(tenant.key, cell)

    def _age(self, key: TenantKey) -> tuple[datetime, TenantKey]:
        """Sorts the oldest first; of one age, the same one first in every process."""
        return self._tenants[key].created or _EARLIEST, key

    def _unclaim(self, tenant: Tenant, numbers: frozenset[PhoneNumberID]) -> None:
        for number in numbers:
            claims = self._claims.get(number, [])
            if tenant.key in claims:
                claims.remove(tenant.key)
            if not claims:
                self._claims.pop(number, None)
