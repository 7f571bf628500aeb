"""When a hibernated tenant is awake: while messages wait for it, and a while after. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from munshi.contracts.ids import TenantKey
from munshi_operator.types import Backlog


@dataclass
class Wakefulness:
    """Remembers who is awake. After a restart, whoever has pods counts as just woken."""

    idle_seconds: float
    clock: Callable[[], float] = monotonic
    _busy: dict[TenantKey, float] = field(default_factory=dict)

    def look(self, key: TenantKey, backlog: Backlog, *, has_pods: bool) -> bool:
        """Whether the tenant shall be awake, given what waits for it and whether its pods run."""
        now = self.clock()
        if backlog.events or (backlog.sending and key in self._busy) or (has_pods and key not in self._busy):
            self._busy[key] = now
        elif now - self._busy.get(key, float("-inf")) >= self.idle_seconds:
            self._busy.pop(key, None)
        return key in self._busy

    def awake(self, key: TenantKey) -> bool:
        """Whether it was awake at the last look."""
        return key in self._busy

    def forget(self, key: TenantKey) -> None:
        """The tenant is gone or no longer hibernated."""
        self._busy.pop(key, None)
