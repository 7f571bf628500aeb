"""The movable clock: what the stand-in believes the time to be.

Windows, pair limits, expiry of media and the seven days of webhooks follow this clock. Delays of milliseconds
(status ladder, back-off) follow the real one, so that moving the clock never fires a storm.
"""

import time


class Clock:
    """Real time plus an offset that a test can move, in seconds since the epoch."""

    def __init__(self, offset: float = 0.0) -> None:
        """Start `offset` seconds away from the real time."""
        self.offset = offset

    def now(self) -> float:
        """The believed time."""
        return time.time() + self.offset

    def stamp(self) -> int:
        """The believed time in whole seconds, as webhooks carry it."""
        return int(self.now())
