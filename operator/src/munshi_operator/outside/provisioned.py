"""`Outside` on real servers: NATS, PostgreSQL, object store. Level based: each call compares and repairs.

Rights follow one rule: a tenant's rows belong to the cell that its row names, and only `move_rights` and
`withdraw` change that. `ensure` for another cell makes that cell ready, entry included, and leaves the rows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TypeVar

import structlog
from nats.js import JetStreamContext

from munshi.bus.streams import delete_streams
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL, Isolation
from munshi.errors import MunshiError, Permanent
from munshi.provision.cell_rights import service_users
from munshi.provision.registry import delete_over, put_over
from munshi_operator.outside import cell_bus
from munshi_operator.outside.accounts import Accounts
from munshi_operator.outside.carrying import Carrier
from munshi_operator.outside.cell_bus import CellBus
from munshi_operator.outside.failures import of_database, of_nats
from munshi_operator.outside.plan import CellPlan, Planner, own_cell, spec_in
from munshi_operator.outside.postgres import Postgres
from munshi_operator.outside.storage import Storage
from munshi_operator.types import Backlog, CellAccess, OutsideReport, Part, Served, Unfinished

_log = structlog.get_logger()

REGISTRY_SECONDS = 2.5
"""After this every pod has seen a change of the registry: 2 s is what they promise."""
_POOL_SECONDS = 20.0
"""How often the pool's own role, account and streams are compared, at most."""
_NOT_TRIED = Part(False, "NotTried", "waits for what comes before it")

Got = TypeVar("Got")


@dataclass
class _Look:
    """When the pool was compared last: ten thousand tenants share it and need not each look at it."""

    at: float | None = None

    @property
    def fresh(self) -> bool:
        """Whether that was just now."""
        return self.at is not None and monotonic() - self.at < _POOL_SECONDS

    def seen(self) -> None:
        """It was compared."""
        self.at = monotonic()

    def forget(self) -> None:
        """Something failed: it is compared at the next look."""
        self.at = None


@dataclass
class Provisioned:
    """What the operator makes outside the cluster. See `munshi_operator.types.Outside` for the contract."""

    planner: Planner
    accounts: Accounts
    bus: CellBus
    database: Postgres
    storage: Storage
    settle_seconds: float = REGISTRY_SECONDS
    _pool_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _pool_role: _Look = field(default_factory=_Look)
    _pool_streams: _Look = field(default_factory=_Look)

    async def access(self, cell: CellName) -> CellAccess:
        """What opens a cell. Derived; no I/O."""
        known = self.planner.access(cell, self.database.role(cell))
        return replace(known, object_store=self.storage.address(cell))

    async def ensure_platform(self) -> None:
        """Makes the pool's cell."""
        with of_database():
            await self.database.ensure_pgbouncer(self.planner.pgbouncer_verifier)
        await self._database(POOL)
        with of_nats():
            await self._pool_bus()
        try:
            await self.storage.ensure(POOL)
        except MunshiError as error:
            # Text is answered without it, and each pooled tenant tells of it in its own status.
            _log.warning("pool_storage_not_made", reason=str(error))

    async def ensure(self, want: Served) -> OutsideReport:
        """Makes everything as wanted; tells what had drifted.

        Raises:
            Unfinished: a part could not be made; its report says which, and the others were made.
        """
        outcome = _Outcome()
        ours, row = await outcome.try_database(lambda: self._rows(want))
        changed = list(row)
        if outcome.failure is None:
            changed += await outcome.try_streams(lambda: self._serve(want))
        changed += await outcome.try_storage(lambda: self.storage.ensure(want.cell), self.storage.part())
        if outcome.failure is None and ours:
            await outcome.try_streams(lambda: self._tidy(want))
        report = outcome.report(self.planner.digest(want), self._drifted(want, changed))
        if outcome.failure is not None:
            self._pool_role.forget()
            self._pool_streams.forget()
            raise Unfinished(report, outcome.failure) from outcome.failure
        return report

    async def observe_backlog(self, cell: CellName, key: TenantKey) -> Backlog:
        """Counts a tenant's work in a cell. One request to each server."""
        with of_database():
            sending = await self.database.pending(key, cell)
        with of_nats():
            if cell != POOL and await self.accounts.look_up(self.planner.cell(cell).account) is None:
                return Backlog(0, sending)
            async with self.bus.open(cell) as js:
                return Backlog(await cell_bus.waiting_events(js, cell, key), sending)

    async def withdraw(self, want: Served) -> None:
        """Stops serving from this cell: the entry goes, the rights go, the data stays.

        A dedicated cell's users are disconnected and its login is closed: what its pods were given opens
        nothing any more, until `ensure` makes the cell again.
        """
        await self._withdraw_from(want.cell, want.object.key)

    async def _withdraw_from(self, cell: CellName, key: TenantKey) -> bool:
        """Whether an entry was there."""
        plan = self.planner.cell(cell)
        there = False
        with of_nats():
            if cell == POOL or await self.accounts.look_up(plan.account) is not None:
                async with self.bus.open(cell) as js:
                    there = await cell_bus.has_registry(js, cell) and await delete_over(js, cell, key)
                if cell != POOL:
                    await self.accounts.shut_out(plan, service_users(self.planner.master, cell))
        with of_database():
            await self.database.withdraw(key, cell)
        if cell != POOL:
            await self.storage.shut_out(cell)
        return there

    async def erase(self, want: Served) -> None:
        """Takes all of a tenant away: entry, rows, streams, account, role, objects. Nobody else is touched.

        Where it lives is not believed but looked for: the pool and its own cell are both cleared.
        """
        key, own = want.object.key, own_cell(want.object.key)
        there = await self._withdraw_from(POOL, key)
        await self._withdraw_from(own, key)
        with of_database():
            await self.database.erase(key)
        if there:
            # The pool's ingress may take a webhook more until it has seen that the entry is gone.
            await asyncio.sleep(self.settle_seconds)
        with of_nats():
            async with self.bus.open(POOL) as js:
                await cell_bus.drop_tenant(js, POOL, key)
            await self._remove_account(own)
        await self.storage.erase(POOL, key)
        await self.storage.erase(own, key)

    async def move_rights(self, key: TenantKey, old: CellName, new: CellName) -> None:
        """Hands a tenant over: from now on only `new` works on it.

        Parks it in the old cell for good, moves rows and rights in one transaction, and carries what still
        waits in the old streams behind nothing of the new ones. Where the cell of a move is the pool, whose
        ingress cannot be disconnected, it looks again until every pod must know.
        """
        await self._stop_old(key, old)
        with of_database():
            await self.database.move(key, old, self.planner.cell(new))
        carried = await self._carry(key, old, new)
        if old == POOL:
            await asyncio.sleep(self.settle_seconds)
            carried += await self._carry(key, old, new)
        await self.storage.move(key, old, new)
        if carried:
            _log.info("events_carried", tenant=key, old=old, new=new, events=carried)

    async def close(self) -> None:
        """Closes all connections."""
        await self.accounts.close()
        await self.bus.close()
        await self.database.close()

    # --- parts of ensure -----------------------------------------------------------------------------------

    async def _rows(self, want: Served) -> tuple[bool, list[str]]:
        """Whether the rows are this cell's, and what had to be written."""
        with of_database():
            changed = await self._database(want.cell)
            plan = self.planner.cell(want.cell)
            ours, written = await self.database.ensure_tenant(want.object.key, plan, spec_in(want))
            return ours, changed + (["database row"] if written else [])

    async def _database(self, cell: CellName) -> list[str]:
        if cell == POOL and self._pool_role.fresh:
            return []
        with of_database():
            changed = await self.database.ensure_cell(self.planner.cell(cell))
        if cell == POOL:
            self._pool_role.seen()
        return changed

    async def _serve(self, want: Served) -> list[str]:
        """Account, streams and entry; a dedicated cell is opened once for all of it."""
        with of_nats():
            if want.cell == POOL:
                changed = await self._pool_bus()
                async with self.bus.open(POOL) as js:
                    return changed + await self._enter(js, want)
            plan = self.planner.cell(want.cell)
            changed = await self._account(plan)
            async with self.bus.open(want.cell) as js:
                changed += await _streams(js, plan)
                return changed + await self._enter(js, want)

    async def _enter(self, js: JetStreamContext, want: Served) -> list[str]:
        keys = self.planner.cell(want.cell).keys
        return ["registry entry"] if await put_over(js, keys, self.planner.entry(want)) else []

    async def _account(self, plan: CellPlan) -> list[str]:
        return ["account"] if await self.accounts.ensure(plan) else []

    async def _pool_bus(self) -> list[str]:
        """The pool's account and streams. They are everybody's: two passes must not repair them at once."""
        async with self._pool_lock:
            if self._pool_streams.fresh:
                return []
            plan = self.planner.cell(POOL)
            changed = await self._account(plan)
            async with self.bus.open(POOL) as js:
                changed += await _streams(js, plan)
            self._pool_streams.seen()
            return changed

    @staticmethod
    def _drifted(want: Served, changed: list[str]) -> tuple[str, ...]:
        """What had drifted: of what was changed, nothing where the tenant is new or was changed itself."""
        status = want.object.status
        seen = status.get("observedGeneration") == want.object.generation and status.get("applied")
        return tuple(sorted(changed)) if seen else ()

    # --- what is left of a move ----------------------------------------------------------------------------

    async def _tidy(self, want: Served) -> list[str]:
        """Takes away what an ended move left: the dedicated cell of a tenant that the pool serves, the events
        in the pool of one that has a cell of its own."""
        key, own = want.object.key, own_cell(want.object.key)
        if want.object.status.get("phase") == "Moving":
            return []
        if want.cell == POOL:
            if want.object.tenant.spec.isolation is Isolation.POOLED and await self._is_left(own):
                await self._retire(key, own)
        elif want.object.status.get("cell"):
            with of_nats():
                async with self.bus.open(POOL) as js:
                    left = await cell_bus.waiting_events(js, POOL, key)
            if left:
                await self._carry(key, POOL, own)
        return []

    async def _is_left(self, own: CellName) -> bool:
        with of_database():
            return await self.database.has_cell(own)

    async def _retire(self, key: TenantKey, own: CellName) -> None:
        await self._stop_old(key, own)
        await self._carry(key, own, POOL)
        await self.storage.move(key, own, POOL)
        await self.storage.shut_out(own)
        with of_nats():
            await self._remove_account(own)
        with of_database():
            await self.database.drop_cell(own)
        _log.info("cell_retired", cell=own)

    async def _stop_old(self, key: TenantKey, old: CellName) -> None:
        plan = self.planner.cell(old)
        with of_nats():
            if old != POOL and await self.accounts.look_up(plan.account) is None:
                return
            async with self.bus.open(old) as js:
                if await cell_bus.has_registry(js, old):
                    await delete_over(js, old, key)
            if old != POOL:
                # From here on nothing more is kept there: its ingress answers 503 and Meta comes again.
                await self.accounts.shut_out(plan, service_users(self.planner.master, old))

    async def _carry(self, key: TenantKey, old: CellName, new: CellName) -> int:
        with of_nats():
            if old != POOL and await self.accounts.look_up(self.planner.cell(old).account) is None:
                return 0
            async with self.bus.open(old) as source, self.bus.open(new) as target:
                carrier = Carrier(source, old, target, new, self.planner.cell(new).partitions)
                return await carrier.carry(key)

    async def _remove_account(self, cell: CellName) -> None:
        plan = self.planner.cell(cell)
        if await self.accounts.look_up(plan.account) is None:
            return
        async with self.bus.open(cell) as js:
            await delete_streams(js, cell)
        await self.accounts.delete(plan.account)


async def _streams(js: JetStreamContext, plan: CellPlan) -> list[str]:
    return [f"stream {name}" for name in await cell_bus.ensure_streams(js, plan)]


@dataclass
class _Outcome:
    """Parts as they come out; the first failure is raised when all were tried."""

    failure: MunshiError | None = None
    database: Part = _NOT_TRIED
    streams: Part = _NOT_TRIED
    storage: Part = _NOT_TRIED

    async def try_database(
        self, work: Callable[[], Awaitable[tuple[bool, list[str]]]]
    ) -> tuple[bool, list[str]]:
        """Role and row."""
        try:
            ours, changed = await work()
        except MunshiError as error:
            self.database = self._failed(error, "DatabaseAway")
            return False, []
        words = "role and rights are in place" if ours else "role is ready; another cell has the rights still"
        self.database = Part(True, "Ready" if ours else "Moving", words)
        return ours, changed

    async def try_streams(self, work: Callable[[], Awaitable[list[str]]]) -> list[str]:
        """Account, streams, entry."""
        try:
            changed = await work()
        except MunshiError as error:
            self.streams = self._failed(error, "StreamsAway")
            return []
        self.streams = Part(True, "Ready", "account, streams and registry entry are in place")
        return changed

    async def try_storage(self, work: Callable[[], Awaitable[list[str]]], fine: Part) -> list[str]:
        """User, key and policy."""
        try:
            changed = await work()
        except MunshiError as error:
            self.storage = self._failed(error, "StorageAway")
            return []
        self.storage = fine
        return changed

    def report(self, digest: str, repaired: tuple[str, ...]) -> OutsideReport:
        """All parts together."""
        return OutsideReport(self.database, self.streams, self.storage, digest, repaired)

    def _failed(self, error: MunshiError, away: str) -> Part:
        self.failure = self.failure or error
        return Part(False, error.reason if isinstance(error, Permanent) else away, str(error))
