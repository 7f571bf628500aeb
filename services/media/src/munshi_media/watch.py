"""How far a request is, for its signs of life."""

import time
from dataclasses import dataclass

from munshi.contracts.media import MediaProgress, Stage


@dataclass
class Watch:
    """Written by the work, read every second by who answers."""

    stage: Stage = Stage.FETCHING
    expected_until: float | None = None
    """By the monotonic clock."""
    _other: "Watch | None" = None

    def follow(self, other: "Watch") -> None:
        """Shows what another one shows: the work was begun by somebody else's request."""
        self._other = other

    def expect(self, seconds: float) -> None:
        """It will probably take so long from now."""
        self.expected_until = time.monotonic() + seconds

    def progress(self) -> MediaProgress:
        """A sign of life."""
        if self._other is not None:
            return self._other.progress()
        until = self.expected_until
        left = None if until is None else round(max(0.0, until - time.monotonic()), 1)
        return MediaProgress(stage=self.stage, expected_seconds=left)


class Pace:
    """How long an engine takes for one unit (a page, a second of sound), from what it took lately."""

    def __init__(self, first_guess: float) -> None:
        self._seconds = first_guess

    def expect(self, units: float) -> float:
        """Seconds for so many units."""
        return self._seconds * units

    def learn(self, seconds: float, units: float) -> None:
        """So many units took so long."""
        if units > 0:
            self._seconds += 0.2 * (seconds / units - self._seconds)
