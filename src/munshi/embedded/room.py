"""Whether the disk under a folder has room: told before programs fail by it, and again when it is over."""

import shutil
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2

LEAST_BYTES = 16 * MIB
"""Below it a disk counts as full: PostgreSQL takes its journal in pieces of 16 MiB."""
ENOUGH_BYTES = 32 * MIB
"""From here on it has room again. Twice the least, so that it is not told to and fro."""


def full_disk(folder: Path) -> str | None:
    """What is wrong with the disk under a folder at this moment; `None` where it has room."""
    room = Room(folder)
    room.look()
    return room.problem


@dataclass
class Room:
    """The disk under `folder`."""

    folder: Path
    full: bool = False
    free: int = 0
    """Bytes that an unprivileged program may still write, when last looked at."""

    def look(self) -> bool:
        """Looks at the disk; blocks. Whether it has just become full, or has just got room again."""
        try:
            self.free = shutil.disk_usage(self.folder).free
        except OSError:
            return False  # the folder is not there yet, or the disk is away: other parts tell that
        before, limit = self.full, ENOUGH_BYTES if self.full else LEAST_BYTES
        self.full = self.free < limit
        return self.full != before

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, for a person."""
        if not self.full:
            return None
        return (
            f"the disk of {self.folder} is full ({self.free // MIB} MB free); make room, then it goes on by "
            "itself, and nothing that was acknowledged is lost"
        )
