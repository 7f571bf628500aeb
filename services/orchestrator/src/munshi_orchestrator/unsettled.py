"""Sends whose answer was lost: how long each waits for the status that settles it.

A row is given up only when its status had the whole time to come, all the way to us. Right after an outage it
may still lie at Meta; while nothing else is heard of Meta, it may lie there; and behind other events it may
lie on the bus.
"""

import dataclasses
import enum
from datetime import UTC, datetime, timedelta

from nats.errors import Error as NatsError

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import inbound_of_tenant
from munshi.db.outbox import ClaimRules
from munshi_orchestrator.pending import Pending

_NOT_YET_SECONDS = 365 * 86_400.0
_PATIENCE = 12
"""A row waits so many times `settle_after_seconds` (an hour, without an outage) for Meta to be heard; then a
person decides."""
_CLOCKS_APART = timedelta(seconds=2)
"""Only what happened by so much later counts as later: Meta's times are of another clock."""


class Fate(enum.Enum):
    """What is known of a send whose answer was lost."""

    OPEN = enum.auto()
    """Its status may still come."""
    REFUSED = enum.auto()
    """Meta never took it: its status would have come by now."""
    UNKNOWN = enum.auto()
    """Nobody can tell, and nobody is to wait any longer."""


class Unsettled:
    """What this worker knows of the way that statuses take, for all tenants of a cell."""

    def __init__(self, cell: CellName, pending: Pending, rules: ClaimRules) -> None:
        self._cell = cell
        self._pending = pending
        self._rules = rules
        self._whole_since = datetime.now(UTC)
        self._heard: dict[TenantKey, datetime] = {}

    def disturbed(self) -> None:
        """Bus or database were away: a status may be late by as much."""
        self._whole_since = datetime.now(UTC)

    def heard(self, tenant: TenantKey, at: datetime) -> None:
        """Meta's webhooks reach us: something of this tenant that happened at `at` came without delay."""
        self._heard[tenant] = max(at, self._heard.get(tenant, at))

    def rules(self, fate: Fate) -> ClaimRules:
        """Rules for the next claim in a conversation whose oldest row has this fate."""
        if fate is Fate.OPEN:
            return dataclasses.replace(self._rules, settle_after_seconds=_NOT_YET_SECONDS)
        return self._rules

    async def fate(self, tenant: TenantKey, since: datetime | None) -> Fate:
        """Of the row whose answer was lost at `since`; open where none is known to be."""
        if since is None:
            return Fate.OPEN
        due = timedelta(seconds=self._rules.settle_after_seconds)
        waited = datetime.now(UTC) - max(since, self._whole_since)
        if waited < due:
            return Fate.OPEN
        if self._heard_after(tenant, since) and await self._passed(tenant, since + due):
            return Fate.REFUSED
        return Fate.UNKNOWN if waited >= _PATIENCE * due else Fate.OPEN

    def _heard_after(self, tenant: TenantKey, since: datetime) -> bool:
        """Whether later things of the tenant came: Meta would have told of this send before."""
        heard = self._heard.get(tenant)
        return heard is not None and heard >= since + _CLOCKS_APART

    async def _passed(self, tenant: TenantKey, moment: datetime) -> bool:
        """Whether every event of the tenant that came before this moment is done, its status among them."""
        try:
            oldest = await self._pending.oldest(inbound_of_tenant(self._cell, tenant))
        except (NatsError, TimeoutError):
            return False
        return oldest is None or oldest.at > moment
