"""Logs what may come a thousand times a second: the first at once, then one line for every ten seconds."""

from time import monotonic
from typing import Any

_EVERY_SECONDS = 10.0


class OccasionalLog:
    """Each event by its name; a line tells how many were left out before it."""

    def __init__(self, log: Any, every_seconds: float = _EVERY_SECONDS) -> None:
        self._log = log
        self._every = every_seconds
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warning(self, event: str, **fields: Any) -> None:
        """A warning, if it is its turn."""
        if self._due(event):
            self._log.warning(event, left_out=self._left_out.pop(event, 0), **fields)

    def error(self, event: str, **fields: Any) -> None:
        """An error, if it is its turn."""
        if self._due(event):
            self._log.error(event, left_out=self._left_out.pop(event, 0), **fields)

    def _due(self, event: str) -> bool:
        now = monotonic()
        if now - self._last.get(event, -self._every) >= self._every:
            self._last[event] = now
            return True
        self._left_out[event] = self._left_out.get(event, 0) + 1
        return False
