"""Values, ports and errors that cross the operator's parts: engine, builders and the outside. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import WhatsAppTenant, cell_of
from munshi.errors import MunshiError, Permanent, Retryable

Manifest = dict[str, Any]
"""A whole Kubernetes object, JSON-able."""


@dataclass(frozen=True, slots=True)
class TenantObject:
    """One observed `WhatsAppTenant`."""

    tenant: WhatsAppTenant
    """Metadata and spec, as the contract reads them."""
    uid: str
    generation: int
    created: datetime
    """`creationTimestamp`; of two that claim one phone number, the older keeps it."""
    deleting: datetime | None
    """`deletionTimestamp`."""
    resource_version: str
    status: Mapping[str, Any]

    @property
    def key(self) -> TenantKey:
        """`namespace_name`."""
        return self.tenant.key

    @property
    def cell(self) -> CellName:
        """The cell that the spec asks for; during a move it is still served by another."""
        return cell_of(self.key, self.tenant.spec)


@dataclass(frozen=True, slots=True)
class CellAccess:
    """What a cell's pods are given: contents of the mounted files of `munshi.cells`."""

    cell: CellName
    partitions: int
    nats_url: str
    ingress_creds: str | None = field(repr=False)
    orchestrator_creds: str | None = field(repr=False)
    database_url: str = field(repr=False)
    sealing_key: str = field(repr=False)
    """32 bytes in hex."""
    media_creds: str | None = field(default=None, repr=False)
    object_store: str | None = field(default=None, repr=False)
    """Content of `object-store.json`; `None`: no object store is set up, so no media service runs."""


@dataclass(frozen=True, slots=True)
class Served:
    """How the outside shall serve a tenant right now."""

    object: TenantObject
    credentials: Mapping[str, str] = field(repr=False)
    """app-secret, access-token, verify-token; app-secret-previous during a rotation."""
    cell: CellName
    """Where it is served; during a move, the one that is being written."""
    hibernated: bool
    """As the pods shall see it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Outcome of one part."""

    ok: bool
    reason: str
    """CamelCase and stable: scripts lean on it."""
    message: str
    """For people: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class OutsideReport:
    """What `Outside.ensure` found and made."""

    database: Part
    streams: Part
    storage: Part
    digest: str
    """Of everything that was wanted outside; kept in the status."""
    repaired: tuple[str, ...]
    """Names of what had drifted."""


class Unfinished(Retryable):
    """Something outside could not be made, though all parts were tried."""

    def __init__(self, report: OutsideReport, cause: MunshiError) -> None:
        super().__init__(str(cause), cause.delay if isinstance(cause, Retryable) else 0.0)
        self.report = report
        """Says which part, and why."""
        self.permanent = isinstance(cause, Permanent)
        """Waiting alone does not help."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work of one tenant that is still in a cell."""

    events: int
    """Not yet worked off, in the cell's stream."""
    sending: int
    """Outbox rows that are not settled."""


class Outside(Protocol):
    """NATS, PostgreSQL and the object store. Level based: every call may run again, at any point.

    Raises (all but `access`):
        Retryable: a server is away or busy.
        Permanent: a server refuses, and will again.
    """

    async def access(self, cell: CellName) -> CellAccess:
        """What opens a cell. Derived from the master key; no I/O."""
        ...

    async def ensure_platform(self) -> None:
        """Makes the pool's cell."""
        ...

    async def ensure(self, want: Served) -> OutsideReport:
        """Makes cell, streams, role, row and registry entry as wanted; repairs what drifted.

        Raises:
            Unfinished: a part could not be made; its report says which, and the others were made.
        """
        ...

    async def observe_backlog(self, cell: CellName, key: TenantKey) -> Backlog:
        """Counts a tenant's work in a cell; nothing where the cell is not there."""
        ...

    async def withdraw(self, want: Served) -> None:
        """Stops serving (delete with Retain): the entry goes, the rights go, the data stays."""
        ...

    async def erase(self, want: Served) -> None:
        """Deletes rows, streams, account and prefix."""
        ...

    async def move_rights(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """Gives a tenant's rows to the new cell and takes them from the old one."""
        ...


@dataclass(frozen=True, slots=True)
class MetaReport:
    """What the Graph API says of a tenant."""

    credentials: Part
    webhook: Part


class MetaChecks(Protocol):
    """Graph API: information on the phone numbers, subscription of the webhook."""

    async def check(
        self, tenant: WhatsAppTenant, credentials: Mapping[str, str], webhook_url: str
    ) -> MetaReport:
        """Tries the credentials and subscribes the webhook.

        Raises:
            Retryable: the Graph API is away or busy.
        """
        ...
