"""The time of day: not at midnight where a test asks for today, and moved under running processes.

A clock is moved by Debian's libfaketime. Only the wall clock: the monotonic one goes on, as it does when a
machine's time is set. Programs that do not ask the C library (nats-server) keep the real time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

_LIBRARIES = ("libfaketimeMT.so.1", "libfaketime.so.1")

INDIA = ZoneInfo("Asia/Kolkata")
"""Where the shops of `examples/` are."""


async def no_midnight_soon(minutes: float = 2.0) -> None:
    """Waits for the new day of the shops where it is near: what is said of "today" is of one day then."""
    now = datetime.now(INDIA)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if midnight - now < timedelta(minutes=minutes):
        await asyncio.sleep((midnight - now).total_seconds() + 1)


class MovableClock:
    """One clock that all processes with its `environment` see."""

    def __init__(self, folder: Path) -> None:
        """Real time at first. Skips the test where libfaketime is not installed."""
        found = [path for name in _LIBRARIES for path in Path("/usr/lib").glob(f"*/faketime/{name}")]
        if not found:
            pytest.skip("libfaketime is not installed: make system-packages")
        self._file = folder / "clock"
        folder.chmod(0o755)
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        }
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """The clock now differs from the real one by so much; processes see it within a second."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.chmod(0o644)
        fresh.rename(self._file)


@contextmanager
def movable_clock(folder: Path) -> Iterator[MovableClock]:
    """A clock; what libfaketime leaves in shared memory of processes that were killed is gone afterwards."""
    before = _shared()
    try:
        yield MovableClock(folder)
    finally:
        for path in _shared() - before:
            if not Path(f"/proc/{path.name.rpartition('_')[2]}").exists():
                path.unlink(missing_ok=True)


def _shared() -> set[Path]:
    return set(Path("/dev/shm").glob("*faketime_*_*"))  # noqa: S108 (where libfaketime puts them)
