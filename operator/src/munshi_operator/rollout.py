"""The pace of a new version: so many tenants at once, ready before the next, none after a failure. Pure.

A tenant's pods are replaced without a permit when its own spec asks for it; a permit is for what comes from
the chart's values alone. All is counted from what is observed, so a restarted operator goes on where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from munshi.contracts.ids import TenantKey


@dataclass
class Rollout:
    """Who is being rolled, who waits, and whether one has failed."""

    at_once: int
    fail_seconds: float
    clock: Callable[[], float] = monotonic
    _rolling: dict[TenantKey, float] = field(default_factory=dict)
    _stuck: set[TenantKey] = field(default_factory=set)
    _waiting: dict[TenantKey, None] = field(default_factory=dict)
    _open: bool = False

    def open(self) -> list[TenantKey]:
        """Every tenant has been looked at, so who is being rolled is known; returns who may ask now."""
        self._open = True
        return self._called()

    def begin(self, key: TenantKey) -> bool:
        """Asks to replace a tenant's pods; when refused, the tenant is called as soon as there is room."""
        if key in self._rolling:
            return True
        if not self._open or self.failed or len(self._rolling) >= self.at_once:
            self._waiting[key] = None
            return False
        self._waiting.pop(key, None)
        self._rolling[key] = self.clock()
        return True

    def note(self, key: TenantKey, *, settled: bool, stuck: bool = False) -> list[TenantKey]:
        """Tells how far a tenant is whose pods are as wanted; returns who may ask now."""
        self._waiting.pop(key, None)
        if settled:
            self._stuck.discard(key)
            if self._rolling.pop(key, None) is None:
                return []
        else:
            self._rolling.setdefault(key, self.clock())
            if stuck:
                self._stuck.add(key)
        return self._called()

    def forget(self, key: TenantKey) -> list[TenantKey]:
        """The tenant is gone, asleep or no longer dedicated."""
        known = key in self._rolling
        self._rolling.pop(key, None)
        self._stuck.discard(key)
        self._waiting.pop(key, None)
        return self._called() if known else []

    @property
    def failed(self) -> list[TenantKey]:
        """Tenants whose new pods do not become ready; while there is one, nobody else is rolled."""
        late = self.clock() - self.fail_seconds
        return sorted({key for key, since in self._rolling.items() if since < late} | self._stuck)

    @property
    def rolling(self) -> int:
        """Tenants whose pods are being replaced."""
        return len(self._rolling)

    @property
    def waiting(self) -> int:
        """Tenants that wait for their turn."""
        return len(self._waiting)

    def _called(self) -> list[TenantKey]:
        if not self._open or self.failed:
            return []
        room = self.at_once - len(self._rolling)
        return list(self._waiting)[: max(0, room)]
