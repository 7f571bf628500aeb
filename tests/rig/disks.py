"""Small disks: a tmpfs of a few megabytes in a test's own folder, and the means to fill it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PIECE = 64 * 1024


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mounts one on `folder`, which it makes; unmounted in any case. Skips where that is refused."""
    if os.geteuid() != 0:
        pytest.skip("mounts a small disk: needs root")
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine does not let us mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Writes one file that takes all room but `leave_bytes`. To be deleted by the caller: room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        piece = b"\0" * _PIECE
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]
        file.truncate(max(0, file.tell() - leave_bytes))
    return ballast
