"""The durable state: one SQLite file, written in groups.

Writes are collected while the event loop serves what is ready and committed together right after, on the loop
itself: a thread would fight for the interpreter lock at every row and be slower. `synchronous=NORMAL` in WAL
mode survives the death of the process (not of the machine), which is what a stand-in has to survive.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS persons (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS preferences (waba TEXT, person TEXT, value TEXT, PRIMARY KEY (waba, person));
CREATE TABLE IF NOT EXISTS initiated (portfolio TEXT, person TEXT, at REAL NOT NULL,
    PRIMARY KEY (portfolio, person));
CREATE TABLE IF NOT EXISTS templates (waba TEXT, name TEXT, language TEXT, body TEXT NOT NULL,
    PRIMARY KEY (waba, name, language));
CREATE TABLE IF NOT EXISTS faults (id TEXT PRIMARY KEY, place INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS media (id TEXT PRIMARY KEY, number TEXT, mime TEXT, sha256 TEXT, size INTEGER,
    filename TEXT, source TEXT, created REAL);
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY, rev INTEGER NOT NULL, wamid TEXT NOT NULL UNIQUE, number TEXT NOT NULL,
    person TEXT NOT NULL, direction TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
    status TEXT NOT NULL, error TEXT, marks TEXT, at REAL NOT NULL, accepted_at REAL NOT NULL,
    key TEXT UNIQUE, callback TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS messages_rev ON messages (rev);
CREATE INDEX IF NOT EXISTS messages_pair ON messages (number, person, seq);
CREATE INDEX IF NOT EXISTS messages_callback ON messages (callback) WHERE callback IS NOT NULL;
CREATE TABLE IF NOT EXISTS updates (
    id INTEGER PRIMARY KEY, number TEXT NOT NULL, wamid TEXT, kind TEXT NOT NULL, field TEXT NOT NULL,
    status TEXT, item TEXT NOT NULL, contact TEXT, due REAL, born REAL NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, last_code INTEGER, first_at REAL, done_at REAL);
CREATE INDEX IF NOT EXISTS updates_pending ON updates (id) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS updates_wamid ON updates (wamid);
CREATE TABLE IF NOT EXISTS refusals (id INTEGER PRIMARY KEY, number TEXT, at REAL, status INTEGER,
    code INTEGER, request TEXT, answer TEXT);
"""
DATA_TABLES = ("messages", "updates", "refusals", "preferences", "faults", "media", "persons", "initiated")

Statement = tuple[str, Sequence[Any]]


class StoreOfNewerVersionError(RuntimeError):
    """The data folder was written by a newer version of the program."""


class Store:
    """Writes in groups, reads at once. Lives on one event loop."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`. Raises `StoreOfNewerVersionError` rather than damage a newer
        file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self._db.row_factory = sqlite3.Row
        self._pending: list[Statement] = []
        self._committed: asyncio.Future[None] | None = None
        self._watchers: set[asyncio.Event] = set()
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found > SCHEMA_VERSION:
            self._db.close()
            msg = f"{path} has schema {found}, this program knows {SCHEMA_VERSION}: use the newer program"
            raise StoreOfNewerVersionError(msg)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "wal_autocheckpoint=4000",
            "busy_timeout=5000",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)
        self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def write(self, *statements: Statement) -> asyncio.Future[None]:
        """Take statements into the next group; the future is done when they are on disk, or carries the
        error."""
        self._pending.extend(statements)
        if self._committed is None:
            loop = asyncio.get_running_loop()
            self._committed = loop.create_future()
            self._committed.add_done_callback(lambda future: future.cancelled() or future.exception())
            loop.call_soon(self.flush)
        return self._committed

    @property
    def unwritten(self) -> bool:
        """Whether statements wait for the next commit."""
        return bool(self._pending)

    def flush(self) -> None:
        """Commit what was collected. Called by the loop; also at the end, when nothing else will run."""
        statements, self._pending = self._pending, []
        future, self._committed = self._committed, None
        try:
            self._commit(statements)
        except sqlite3.Error as error:
            if future is None:
                raise
            future.set_exception(error)
            return
        if future is not None and not future.done():
            future.set_result(None)
        self.wake()

    def _commit(self, statements: Sequence[Statement]) -> None:
        """All statements in one transaction, or none."""
        if not statements:
            return
        cursor = self._db.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                cursor.execute(sql, values)
            cursor.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:  # a full disk may have ended it already
                cursor.execute("ROLLBACK")
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Rows of committed data."""
        return self._db.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """First column of the first row, or None."""
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def watch(self) -> asyncio.Event:
        """An event that is set after each commit. Give it back with `unwatch`."""
        event = asyncio.Event()
        self._watchers.add(event)
        return event

    def wake(self) -> None:
        """Set the watchers' events."""
        for watcher in self._watchers:
            watcher.set()

    def unwatch(self, event: asyncio.Event) -> None:
        """Stop setting `event`."""
        self._watchers.discard(event)

    def close(self) -> None:
        """Commit what is left and close."""
        if self._pending:
            self.flush()
        self._db.close()
