"""The data folder of one platform: where everything lies, who may use it, which program wrote it."""

import asyncio
import errno
import fcntl
import importlib.metadata
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson
import psutil

from munshi.embedded.confinement import unprivileged_user
from munshi.errors import UserMistake
from munshi.provision.key_ring import write_private

FORMAT = 1
"""Raised when a folder of this program can no longer be read by an older one."""
_FIRST_TIME_BYTES = 400 * 1024**2
"""An empty platform takes 90 MB; PostgreSQL's journal and the streams grow by a few hundred under load."""
_LATER_BYTES = 50 * 1024**2
_PROVISIONING_SECONDS = 30.0
_POSTGRES_MAJOR = "18"
_LOCK = "up.lock"
_HARMLESS = {_LOCK, "lost+found"}


def program_version() -> str:
    """Version of this program."""
    return importlib.metadata.version("munshi")


def default_data_folder() -> Path:
    """`$XDG_STATE_HOME/munshi`, or `~/.local/state/munshi`."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "munshi"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths within a data folder. `root` is absolute."""

    root: Path

    @property
    def keys(self) -> Path:
        """The key ring. Belongs to every backup."""
        return self.root / "keys" / "ring.json"

    @property
    def admin_creds(self) -> Path:
        """For each cell a `.creds` file that may do anything in its NATS account."""
        return self.keys.parent / "nats"

    @property
    def system_creds(self) -> Path:
        """A `.creds` file of NATS's system account: may make and delete accounts."""
        return self.keys.parent / "nats-system.creds"

    @property
    def tenants(self) -> Path:
        """A YAML file for each tenant, with its Secret: what was applied last."""
        return self.root / "tenants"

    @property
    def cells(self) -> Path:
        """What services watch."""
        return self.root / "cells"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        """Home of the database."""
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        """Streams, accounts and configuration of the bus."""
        return self.root / "nats"

    @property
    def emulator(self) -> Path:
        """What the emulator remembers."""
        return self.root / "emulator"

    @property
    def objects(self) -> Path:
        """What customers sent: pictures, sounds, documents, and what was read of them."""
        return self.root / "objects"

    @property
    def spool(self) -> Path:
        """Large files while they are worked on; emptied at each start."""
        return self.root / "spool"

    @property
    def triton(self) -> Path:
        """Links that Triton finds its backend by; made anew at each start."""
        return self.root / "triton"

    @property
    def state(self) -> Path:
        """What runs, as the supervisor last wrote it."""
        return self.root / "platform.json"

    @property
    def seen(self) -> Path:
        """Which files of the tenants folder `up` has applied."""
        return self.root / "seen.json"

    @property
    def version(self) -> Path:
        """Which program wrote the folder."""
        return self.root / "version.json"

    def prepare(self) -> None:
        """Makes the folder or checks the one that is there.

        Raises:
            UserMistake: written by a newer program, no right to it, no room; says what to do.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._check_version()
            self._check_room()
            # The unprivileged user of PostgreSQL passes through when we are root; secrets lie deeper, closed.
            self.root.chmod(0o711 if unprivileged_user() else 0o700)
            self._stamp()
            for folder in (
                self.keys.parent,
                self.admin_creds,
                self.tenants,
                self.cells,
                self.logs,
                self.emulator,
                self.objects,
                self.spool,
            ):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
        except (FileExistsError, NotADirectoryError) as error:
            raise UserMistake(f"{self.root} is no folder; choose another one with --data") from error

    def _check_version(self) -> None:
        if self.version.exists():
            stamp = orjson.loads(self.version.read_bytes())
            if stamp.get("format", 0) > FORMAT:
                raise UserMistake(
                    f"the data folder {self.root} was written by a newer Munshi ({stamp.get('munshi')}, "
                    f"this is {program_version()}); install that version or a later one, or choose another "
                    "folder with --data"
                )
        elif any(entry.name not in _HARMLESS for entry in self.root.iterdir()):
            raise UserMistake(
                f"{self.root} holds other files and is no data folder of Munshi; "
                "choose an empty one with --data"
            )
        major = self.postgres / "data" / "PG_VERSION"
        if major.exists() and major.read_text().strip() != _POSTGRES_MAJOR:
            raise UserMistake(
                f"the database in {self.root} was written by PostgreSQL {major.read_text().strip()}, this "
                f"program brings {_POSTGRES_MAJOR}; use the Munshi version that wrote it, or choose another "
                "folder with --data"
            )

    def _check_room(self) -> None:
        needed = _LATER_BYTES if self.version.exists() else _FIRST_TIME_BYTES
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise UserMistake(
                f"the disk of {self.root} has {free // 1024**2} MB free, {needed // 1024**2} MB are needed; "
                "make room, or choose a folder on another disk with --data"
            )

    def _stamp(self) -> None:
        stamp = {"format": FORMAT, "munshi": program_version()}
        if not self.version.exists() or orjson.loads(self.version.read_bytes()) != stamp:
            write_private(self.version, orjson.dumps(stamp).decode())


class FolderInUse(UserMistake):
    """Another supervisor has the folder."""


@dataclass
class Lock:
    """The hold on a data folder. The kernel lets go of it when the process ends, however it ends."""

    path: Path
    _file: IO[str] | None = None

    def take(self) -> None:
        """Takes it.

        Raises:
            FolderInUse: another process has it; says which.
        """
        file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _first_word(self.path)
            file.close()
            raise FolderInUse(
                f"the data folder {self.path.parent} is in use by another `munshi up`"
                + (f" (process {holder})" if holder else "")
                + "; stop it with `munshi down`, or choose another folder with --data"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()} {psutil.Process().create_time()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Lets go. The file stays: taking it away would let two hold it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def held_by_another(self) -> bool:
        """Whether some process has it right now."""
        try:
            file = self.path.open("a+", encoding="utf-8")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@asynccontextmanager
async def provisioning(data: DataFolder) -> AsyncIterator[None]:
    """Lets one at a time change tenants: `up`, `apply` and `delete` may meet.

    Raises:
        UserMistake: another one did not come to its end in time.
    """
    lock = Lock(data.root / "apply.lock")
    deadline = time.monotonic() + _PROVISIONING_SECONDS
    while True:
        try:
            lock.take()
            break
        except FolderInUse as error:
            if time.monotonic() > deadline:
                raise UserMistake(
                    "another `munshi apply` or `munshi delete` is at work and does not end; stop it"
                ) from error
            await asyncio.sleep(0.05)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def clear_messages(data: DataFolder) -> Iterator[None]:
    """Turns what the operating system says about the folder into a message that says what to do.

    Raises:
        UserMistake: disk full, or no right to the folder.
    """
    try:
        yield
    except PermissionError as error:
        raise UserMistake(
            f"no permission for {error.filename or data.root}: it belongs to another user; start as that "
            "user, or choose another folder with --data"
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserMistake(
                f"the disk of {data.root} is full; make room and start again, nothing is lost"
            ) from error
        if error.errno == errno.EROFS:
            raise UserMistake(
                f"{data.root} cannot be written to; choose another folder with --data"
            ) from error
        raise


def supervisor_lock(data: DataFolder) -> Lock:
    """Held by `munshi up` for as long as it runs."""
    return Lock(data.root / _LOCK)


def _first_word(path: Path) -> str:
    words = path.read_text().split()
    return words[0] if words else ""
