"""Under which user a program runs, and how that user reaches its files with no folder of others changed."""

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from munshi.errors import UserMistake

_LAUNCH = Path(__file__).with_name("launch.py")
_UNPRIVILEGED = ("nobody", "daemon")
_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt")
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


@dataclass(frozen=True, slots=True)
class Confinement:
    """How a program is started: user, view of the file system, the one capability it keeps."""

    uid: int | None = None
    gid: int | None = None
    bind: tuple[str, str] | None = None
    """A folder and the mount point where the program alone sees it."""
    capability: int | None = None

    def command(self, argv: tuple[str, ...], *, parent: int, death_signal: int) -> list[str]:
        """The command line that starts `argv` so confined, bound to the life of the process `parent`."""
        plan = {
            "parent": parent,
            "death_signal": int(death_signal),
            "uid": self.uid,
            "gid": self.gid,
            "bind": self.bind,
            "capability": self.capability,
        }
        return [sys.executable, "-I", "-S", str(_LAUNCH), json.dumps(plan), *argv]

    def seen(self, path: Path) -> Path:
        """Where the confined program finds `path`."""
        if self.bind is None or not path.is_relative_to(self.bind[0]):
            return path
        return Path(self.bind[1]) / path.relative_to(self.bind[0])


def may_enter(path: Path, uid: int, gid: int) -> bool:
    """Whether the user may pass through every folder from the root to `path`, by the permission bits."""
    for folder in (path, *path.parents):
        info = folder.stat()
        if info.st_uid == uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def unprivileged_user() -> tuple[int, int] | None:
    """User and group id for programs that refuse root; `None` when we are no root ourselves.

    Raises:
        UserMistake: root, but the machine has no unprivileged user.
    """
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise UserMistake(
        "PostgreSQL does not run as root, and this machine has no user `nobody`; "
        "start munshi as an ordinary user"
    )


def confine(home: Path, programs: Path) -> Confinement:
    """Finds a way for an unprivileged program to reach `home` and `programs`.

    As an ordinary user nothing is needed. As root: plainly, where the permission bits allow it; else the
    program alone sees `home` at a mount point of a namespace of its own; else, where namespaces are
    forbidden, it keeps the one capability of passing closed folders.

    Raises:
        UserMistake: none of them works here.
    """
    user = unprivileged_user()
    if user is None:
        return Confinement()
    uid, gid = user
    if may_enter(home, uid, gid) and may_enter(programs, uid, gid):
        return Confinement(uid, gid)
    for candidate in _closed_ways(home, programs, uid, gid):
        if _works(candidate, home, programs):
            return candidate
    raise UserMistake(
        f"{home} cannot be reached by the unprivileged user that PostgreSQL needs; "
        "choose a data folder that others may enter (--data /var/lib/munshi), or start as an ordinary user"
    )


def _closed_ways(home: Path, programs: Path, uid: int, gid: int) -> list[Confinement]:
    ways = [
        Confinement(uid, gid, bind=(str(home), point))
        for point in _MOUNT_POINTS
        if Path(point).is_dir()
        and may_enter(Path(point), uid, gid)
        and not (programs.is_relative_to(point) and not programs.is_relative_to(home))
    ]
    ways = ways[:1]
    ways += [Confinement(uid, gid, capability=one) for one in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)]
    return ways


def _works(way: Confinement, home: Path, programs: Path) -> bool:
    """Tries it: can a program so confined see both folders?"""
    test = shutil.which("ls")
    if test is None:
        return False
    argv = (test, "-d", f"{way.seen(home)}/.", f"{way.seen(programs)}/.")
    command = way.command(argv, parent=os.getpid(), death_signal=9)
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 (our own launcher)
    return done.returncode == 0
