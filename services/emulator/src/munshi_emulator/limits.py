"""Meta's rate and messaging limits, as arithmetic without clock or I/O."""

from dataclasses import dataclass, field


@dataclass
class Throughput:
    """Messages a second of one number, in and out together: a bucket of one second's worth."""

    rate: float
    level: float = -1.0
    at: float = 0.0

    def take(self, now: float, *, force: bool = False) -> bool:
        """Take one message at `now` (seconds); False if the number is over its rate. `force` counts an
        inbound message, which is never refused but leaves less for the outbound ones (at most a second's
        debt)."""
        if self.level < 0 and self.at == 0.0:
            self.level = self.rate
        if now > self.at:
            self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        if force:
            self.level = max(-self.rate, self.level - 1)
            return True
        if self.level < 1:
            return False
        self.level -= 1
        return True


PAIR_INTERVAL = 6.0
PAIR_BURST = 45


def pair_next(theoretical: float, now: float) -> float | None:
    """The pair limit: one message per 6 s, with a burst of 45 borrowed from the future.

    `theoretical` is when the next message would be due had all come evenly (0 for none yet). Returns its new
    value, or None if this message is refused.
    """
    start = max(theoretical, now)
    if start - now > PAIR_INTERVAL * (PAIR_BURST - 1):
        return None
    return start + PAIR_INTERVAL


DAY = 24 * 3600.0


@dataclass
class Initiated:
    """Whom a portfolio wrote to first, outside their windows, in the last 24 hours."""

    at: dict[str, float] = field(default_factory=dict)
    """By person, the earliest first: when the day of each began."""

    def take(self, person: str, now: float, limit: int | None) -> bool | None:
        """Counts `person`: True if newly counted, False if counted already, `None` if over the limit."""
        while self.at and now - next(iter(self.at.values())) >= DAY:
            del self.at[next(iter(self.at))]
        if person in self.at:
            return False
        if limit is not None and len(self.at) >= limit:
            return None
        self.at[person] = now
        return True
