"""Sends whose answer was lost: how long each waits for the status that settles it.

A row is given up only when its status had the whole time to come, all the way to us. Right after an outage,
or after a lane was taken over, it may still lie on the bus; and while nothing else is heard of Meta, it may
lie there.
"""

import dataclasses
import time
from datetime import datetime, timedelta

from munshi.contracts.ids import TenantKey
from munshi.db.outbox import ClaimRules

_NOT_YET_SECONDS = 365 * 86_400.0
_PATIENCE = 12
"""A row waits so many times `settle_after_seconds` (an hour, without an outage) for Meta to be heard; then a
person decides."""
_CLOCKS_APART = timedelta(seconds=2)
"""Only what happened by so much later counts as later: Meta's times are of another clock."""


class Unsettled:
    """What this worker knows of the way that statuses take, for all tenants of a cell."""

    def __init__(self, rules: ClaimRules) -> None:
        self._rules = rules
        self._whole_since = time.monotonic()
        self._heard: dict[TenantKey, datetime] = {}

    def disturbed(self) -> None:
        """Bus or database were away: a status may be late by as much."""
        self._whole_since = time.monotonic()

    def heard(self, tenant: TenantKey, at: datetime) -> None:
        """Meta's webhooks reach us: something of this tenant that happened at `at` came without delay."""
        self._heard[tenant] = max(at, self._heard.get(tenant, at))

    def rules(self, tenant: TenantKey, since: datetime | None, opened: float) -> ClaimRules:
        """Rules for the next claim in a conversation. `since`: when the answer to its row was lost, where it
        was; `opened`: when its lane was taken, by the monotonic clock."""
        whole, due = time.monotonic() - max(opened, self._whole_since), self._rules.settle_after_seconds
        if since and whole >= due and (self.ruled_out(tenant, since) or whole >= _PATIENCE * due):
            return self._rules
        return dataclasses.replace(self._rules, settle_after_seconds=_NOT_YET_SECONDS)

    def ruled_out(self, tenant: TenantKey, since: datetime) -> bool:
        """Whether a status would have come by now: later things of the tenant came."""
        heard = self._heard.get(tenant)
        return heard is not None and heard >= since + _CLOCKS_APART
