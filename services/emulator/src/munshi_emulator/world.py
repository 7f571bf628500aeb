"""Everything that the endpoints share, put together once."""

import fcntl
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from munshi_emulator.clock import Clock
from munshi_emulator.conversations import Conversations
from munshi_emulator.deliveries import Deliveries
from munshi_emulator.directory import Directory
from munshi_emulator.faults import Faults
from munshi_emulator.journal import Journal
from munshi_emulator.metrics import Metrics
from munshi_emulator.models import DeliveryFaults, Knobs
from munshi_emulator.settings import Settings
from munshi_emulator.store import Statement, Store
from munshi_emulator.webhooks import Update


@dataclass
class World:
    """The stand-in's whole state."""

    settings: Settings
    store: Store
    clock: Clock
    knobs: Knobs
    directory: Directory
    conversations: Conversations
    journal: Journal
    faults: Faults
    deliveries: Deliveries
    metrics: Metrics
    media_dir: Path
    lock: TextIO
    """Held while the process lives; the data folder has one owner."""
    media_key: bytes
    """Seals the URLs of media; kept over a restart."""
    ready: bool = False
    stopping: bool = False
    epoch: str = ""
    """Changes at each reset: what a page knows from an earlier epoch is void."""
    signals: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=200))
    """Fleeting events for the page (typing): (number, event)."""
    signal_number: int = 0

    def signal(self, event: dict[str, Any]) -> None:
        """Tell the pages that are open; nobody else will ever know."""
        self.signal_number += 1
        self.signals.append((self.signal_number, event))
        self.store.wake()

    def save(self, key: str, value: Any) -> Statement:
        """Statement that keeps a setting over a restart."""
        return (
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, json.dumps(value)),
        )


def build(settings: Settings) -> World:
    """Open the data folder and read what it holds. Raises OSError, or `StoreOfNewerVersionError`."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = _lock(settings.data_dir)
    media_dir = settings.data_dir / "media"
    media_dir.mkdir(exist_ok=True)
    store = Store(settings.data_dir / "emulator.db")
    kept = {row["key"]: json.loads(row["value"]) for row in store.rows("SELECT * FROM meta")}
    clock = Clock(kept.get("clock", 0.0))
    directory = Directory(store)
    journal = Journal(store)
    metrics = Metrics()
    deliveries = Deliveries(settings, clock, directory, journal, metrics)
    for scope, faults in kept.get("delivery", {}).items():
        deliveries.faults[scope] = DeliveryFaults.model_validate(faults)
    world = World(
        settings=settings,
        store=store,
        clock=clock,
        knobs=Knobs.model_validate(kept.get("knobs", {})),
        directory=directory,
        conversations=Conversations(store),
        journal=journal,
        faults=Faults(store),
        deliveries=deliveries,
        metrics=metrics,
        media_dir=media_dir,
        lock=lock,
        epoch=kept.get("epoch", ""),
        media_key=_media_key(settings.data_dir / "media.key"),
    )
    deliveries.fired = lambda update: _fired(journal, update)
    deliveries.landed = lambda update: _landed(journal, update)
    return world


def _lock(folder: Path) -> TextIO:
    """Own the data folder until the process ends, however it ends. Raises OSError if another one does."""
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        msg = f"the data folder {folder} is in use by another emulator"
        raise OSError(msg) from None
    return file


def _media_key(path: Path) -> bytes:
    """The key of this data folder, made at the first start."""
    if not path.exists():
        path.write_bytes(secrets.token_bytes(32))
        path.chmod(0o600)
    return path.read_bytes()


def _fired(journal: Journal, update: Update) -> Statement | None:
    """A status is due: the phone shows it, whether or not the business hears of it."""
    if update.kind != "status" or update.wamid is None or update.status is None:
        return None
    error = json.dumps(json.loads(update.item).get("errors")) if update.status == "failed" else None
    return journal.advance(update.wamid, update.status, error)


def _landed(journal: Journal, update: Update) -> Statement | None:
    """The business has a customer's message: two ticks on the customer's phone."""
    if update.kind != "message" or update.wamid is None:
        return None
    return journal.advance(update.wamid, "delivered")
