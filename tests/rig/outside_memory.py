"""NATS, PostgreSQL, object store and Graph API in memory, behind the operator's ports.

It keeps the rules that the real ones have: a tenant's rows belong to one cell at a time, an entry in a cell's
registry is parked or not, and work lies in the cell that the route led it to.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL, WhatsAppTenant
from munshi.errors import MunshiError
from munshi_operator.types import Backlog, CellAccess, MetaReport, OutsideReport, Part, Served

OK = Part(True, "AsExpected", "")


@dataclass
class MemoryOutside:
    """`Outside` in memory."""

    entries: dict[CellName, dict[TenantKey, Served]] = field(default_factory=dict)
    rights: dict[TenantKey, CellName] = field(default_factory=dict)
    """Which cell a tenant's rows belong to."""
    rows: set[TenantKey] = field(default_factory=set)
    """Tenants that have data."""
    events: Counter[tuple[CellName, TenantKey]] = field(default_factory=Counter)
    sending: Counter[tuple[CellName, TenantKey]] = field(default_factory=Counter)
    worked_off: Counter[TenantKey] = field(default_factory=Counter)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refuse: Callable[[str, str], MunshiError | None] = lambda _call, _key: None
    after_call: Callable[[], None] = lambda: None
    """Called when something was changed, before it is answered."""
    drifted: set[TenantKey] = field(default_factory=set)
    """Of whom something was deleted behind the operator's back."""
    object_store: str | None = None
    """What media services are told of theirs."""

    async def access(self, cell: CellName) -> CellAccess:
        """See `Outside`."""
        return CellAccess(
            cell=cell,
            partitions=16,
            nats_url="nats://nats:4222",
            ingress_creds="ingress",
            orchestrator_creds="orchestrator",
            database_url="postgresql://x",
            sealing_key="11" * 32,
            media_creds="media",
            object_store=self.object_store,
        )

    async def ensure_platform(self) -> None:
        """See `Outside`."""
        await self._ask("ensure_platform", "")

    async def ensure(self, want: Served) -> OutsideReport:
        """See `Outside`."""
        key = want.object.key
        await self._ask("ensure", key)
        self.entries.setdefault(want.cell, {})[key] = want
        self.rights.setdefault(key, want.cell)
        self.rows.add(key)
        if want.cell == self.rights[key] != POOL and want.object.status.get("phase") != "Moving":
            self.events[want.cell, key] += self.events.pop((POOL, key), 0)  # stragglers of a move
        repaired = ("streams",) if key in self.drifted else ()
        self.drifted.discard(key)
        self.after_call()
        return OutsideReport(OK, OK, OK, "digest", repaired)

    async def observe_backlog(self, cell: CellName, key: TenantKey) -> Backlog:
        """See `Outside`."""
        await self._ask("observe_backlog", key)
        return Backlog(self.events[cell, key], self.sending[cell, key])

    async def withdraw(self, want: Served) -> None:
        """See `Outside`."""
        await self._ask("withdraw", want.object.key)
        self.entries.get(want.cell, {}).pop(want.object.key, None)
        self.after_call()

    async def erase(self, want: Served) -> None:
        """See `Outside`."""
        key = want.object.key
        await self._ask("erase", key)
        self.entries.get(want.cell, {}).pop(key, None)
        self.rights.pop(key, None)
        self.rows.discard(key)
        self.after_call()

    async def move_rights(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """See `Outside`."""
        await self._ask("move_rights", key)
        self.entries.get(old, {}).pop(key, None)
        if self.rights.get(key, old) in (old, new):
            self.rights[key] = new
        self.events[new, key] += self.events.pop((old, key), 0)
        self.after_call()

    async def _ask(self, call: str, key: str) -> None:
        await asyncio.sleep(0)
        refused = self.refuse(call, key)
        if refused is not None:
            raise refused
        if call != "observe_backlog":
            self.calls.append((call, key))

    # --- the pods' side ------------------------------------------------------------------------------------

    def post(self, cell: CellName, key: TenantKey) -> bool:
        """A webhook reaches a cell's ingress; False: it knows no such tenant, and Meta comes again."""
        if key not in self.entries.get(cell, {}):
            return False
        self.events[cell, key] += 1
        return True

    def turn(self) -> None:
        """Every orchestrator works one event off, of tenants that are awake and whose rows are its own."""
        for (cell, key), count in list(self.events.items()):
            served = self.entries.get(cell, {}).get(key)
            if count and served is not None and not served.hibernated and self.rights.get(key) == cell:
                self.events[cell, key] -= 1
                self.worked_off[key] += 1


@dataclass
class MemoryMeta:
    """`MetaChecks` in memory: a token `bad` is refused."""

    checks: Counter[TenantKey] = field(default_factory=Counter)
    refuse: Callable[[], MunshiError | None] = lambda: None

    async def check(
        self, tenant: WhatsAppTenant, credentials: Mapping[str, str], webhook_url: str
    ) -> MetaReport:
        """See `MetaChecks`."""
        await asyncio.sleep(0)
        refused = self.refuse()
        if refused is not None:
            raise refused
        assert webhook_url.endswith(tenant.key)
        self.checks[tenant.key] += 1
        if credentials["access-token"] == "bad":
            bad = Part(False, "TokenRefused", "the access token is refused; put a new one into the Secret")
            return MetaReport(bad, OK)
        return MetaReport(OK, OK)


__all__ = ["OK", "POOL", "MemoryMeta", "MemoryOutside"]
