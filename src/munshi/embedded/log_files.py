"""The processes' logs: bounded files, read back for people."""

import contextlib
import os
import shutil
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from munshi.telemetry.logs import dropping

MAX_BYTES = 20 * 1024**2
"""A file is put aside at this size."""
KEPT = 3
"""Old files of one process that are kept."""
_CHUNK = 1024 * 1024


@contextlib.contextmanager
def own_log(path: Path, service: str) -> Iterator[None]:
    """Sends this process's own events to a file, in the form of the services' logs."""

    def named(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**event, "service": service}

    with path.open("ab", buffering=0) as file:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                named,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(lambda value, **_: orjson.dumps(value, default=str)),
            ],
            logger_factory=structlog.BytesLoggerFactory(dropping(file)),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            structlog.reset_defaults()


def rotate(path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """Puts the content aside once it is too large. The file itself stays, since its writer holds it open.

    Writers append, so they go on at its new end. Lines written between the last copy and the cut, a few
    microseconds, are lost.
    """
    if not path.exists() or path.stat().st_size < max_bytes:
        return False
    fresh = _aside(path, 0)
    with path.open("r+b") as source:
        try:
            with fresh.open("wb") as target:
                while source.tell() < os.fstat(source.fileno()).st_size:
                    shutil.copyfileobj(source, target, _CHUNK)
        except OSError:  # no room for a copy: the file stays as it is, and so do the older ones
            fresh.unlink(missing_ok=True)
            raise
        source.truncate(0)
    for number in range(kept, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _aside(path, number - 1).replace(_aside(path, number))
    return True


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one process."""

    service: str
    raw: str
    fields: dict[str, Any] | None
    """Of a JSON line; `None` for what PostgreSQL and nats-server write."""

    @property
    def time(self) -> str:
        """RFC 3339 where it is known, for sorting; empty otherwise."""
        return str(self.fields.get("timestamp", "")) if self.fields else _plain_time(self.raw)


def parse(service: str, raw: str) -> LogLine:
    """Reads one line."""
    fields: Any = None
    if raw.startswith("{"):
        with contextlib.suppress(orjson.JSONDecodeError):
            fields = orjson.loads(raw)
    return LogLine(service, raw, fields if isinstance(fields, dict) else None)


def _plain_time(raw: str) -> str:
    """Times as PostgreSQL (`2026-11-21 10:01:10.558 UTC`) and nats-server (`[1] 2026/11/21 …`) write them."""
    words = raw.split(maxsplit=3)
    day = 1 if raw.startswith("[") else 0
    if len(words) > day + 1 and words[day][:2] == "20":
        return f"{words[day].replace('/', '-')}T{words[day + 1]}Z"
    return ""


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a file, reading its end only."""
    if count == 0 or not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        left, data = file.tell(), b""
        while left > 0 and data.count(b"\n") <= count:
            size = min(_CHUNK, left)
            left -= size
            file.seek(left)
            data = file.read(size) + data
    return [line.decode("utf-8", "replace") for line in data.splitlines()[-count:]]


class Follower:
    """Reads what is added to a file, also after it was put aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def new_lines(self) -> Iterator[str]:
        """Whole lines since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._position:
                self._position, self._rest = 0, b""
            file.seek(self._position)
            data = self._rest + file.read()
            self._position = file.tell()
        *lines, self._rest = data.split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
