"""Who may write: one replica holds the Lease, the other waits.

A leader that cannot renew stops writing before the Lease runs out by its own clock (`leads` is asked before
every write) and ends; the other takes over when the Lease has run out by *its* clock, counted from when it
saw the last renewal. The clocks of two machines are never compared.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import structlog

from munshi.errors import MunshiError, Retryable
from munshi_operator.api import Cluster
from munshi_operator.kinds import LEASE, Ref
from munshi_operator.types import Manifest

NAME = "munshi-operator"

_log = structlog.get_logger()


@dataclass
class Leader:
    """Takes part for one replica."""

    cluster: Cluster
    """Unguarded: the Lease is written by who does not lead yet."""
    namespace: str
    identity: str
    seconds: float
    clock: Callable[[], float] = monotonic
    elected: asyncio.Event = field(default_factory=asyncio.Event)
    _until: float = field(init=False, default=float("-inf"))
    _seen: tuple[str, str] = field(init=False, default=("", ""))
    _seen_at: float = field(init=False, default=float("-inf"))

    @property
    def leads(self) -> bool:
        """Whether a write may begin now. False a fifth of the Lease before it ends: a write takes time."""
        return self.clock() < self._until - self.seconds / 5

    async def run(self) -> None:
        """Waits for the Lease, then keeps it; returns when it is lost, never to lead again."""
        while True:
            if await self._tried(self._take):
                break
            await asyncio.sleep(self.seconds / 3)
        _log.info("leading", identity=self.identity)
        self.elected.set()
        kept: bool | None = True
        while True:
            # Who was refused or not answered asks again soon, or three refusals in a row would end its lead.
            await asyncio.sleep(self.seconds / 3 if kept else self.seconds / 15)
            kept = await self._tried(self._renew)
            if kept is False or not self.leads:
                self._until = float("-inf")
                _log.error("lease_lost", identity=self.identity)
                return

    async def give_up(self) -> None:
        """Hands the Lease back at a stop, so that the other need not wait for its end."""
        if not self.leads:
            return
        self._until = float("-inf")
        lease = await self.cluster.get(self._ref)
        if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
            lease["spec"].update(holderIdentity="", leaseDurationSeconds=1)
            await self.cluster.replace(lease)

    @property
    def _ref(self) -> Ref:
        return Ref(LEASE, self.namespace, NAME)

    async def _tried(self, step: Callable[[], Any]) -> bool | None:
        """Runs one step; `None` when the server did not answer in time."""
        try:
            async with asyncio.timeout(self.seconds / 3):
                held: bool = await step()
                return held
        except (MunshiError, TimeoutError) as error:
            _log.warning("lease_unreachable", reason=str(error) or type(error).__name__)
            return None

    async def _take(self) -> bool:
        begun = self.clock()
        lease = await self.cluster.get(self._ref)
        if lease is None:
            await self.cluster.create(self._lease())
        else:
            spec = lease.get("spec") or {}
            if spec.get("holderIdentity") not in ("", None, self.identity) and not self._ran_out(spec):
                return False
            changes = int(spec.get("leaseTransitions") or 0) + 1
            await self.cluster.replace(self._lease(lease, changes))
        self._until = begun + self.seconds
        return True

    async def _renew(self) -> bool:
        begun = self.clock()
        lease = await self.cluster.get(self._ref)
        if lease is None or lease["spec"].get("holderIdentity") != self.identity:
            return False
        try:
            await self.cluster.replace(self._lease(lease, int(lease["spec"].get("leaseTransitions") or 0)))
        except Retryable:
            # The server is busy, or somebody touched the Lease, perhaps without taking it.
            lease = await self.cluster.get(self._ref)
            if lease is None or lease["spec"].get("holderIdentity") != self.identity:
                return False
            raise
        self._until = begun + self.seconds
        return True

    def _ran_out(self, spec: Manifest) -> bool:
        mark = (str(spec.get("holderIdentity")), str(spec.get("renewTime")))
        now = self.clock()
        if mark != self._seen:
            self._seen, self._seen_at = mark, now
        return now - self._seen_at > float(spec.get("leaseDurationSeconds") or self.seconds)

    def _lease(self, old: Manifest | None = None, changes: int = 0) -> Manifest:
        meta = dict(old["metadata"]) if old else {"name": NAME, "namespace": self.namespace}
        meta.pop("managedFields", None)
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": meta,
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": max(1, round(self.seconds)),
                "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "leaseTransitions": changes,
            },
        }
