"""Keeps one kind of object in the store: lists it, watches it, lists it anew when the watch is lost.

kopf watches the tenants. Secrets and children are followed here, since a store must know two things that its
handlers are not told: that the first list is complete (or a restart would write what only was not seen yet),
and what went away while a watch was lost.
"""

import asyncio
import random
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import structlog

from munshi.errors import MunshiError
from munshi_operator.api import Change, Cluster, Expired, Gone, Selection
from munshi_operator.types import Manifest

_log = structlog.get_logger()

_RETRY_SECONDS = (0.2, 30.0)
_ABSENT_SECONDS = 60.0
"""How often a kind that is not installed is looked for."""


class Sink(Protocol):
    """Where a reflector puts what it sees."""

    def put(self, raw: Manifest) -> None:
        """An object is there, like this."""
        ...

    def drop(self, raw: Manifest) -> None:
        """An object is gone."""
        ...

    def keep_only(self, uids: AbstractSet[str], version: int) -> None:
        """A list of that version is complete: what is older and not in it is gone."""
        ...


@dataclass
class Reflector:
    """One kind, in one namespace or all. `run` never ends."""

    cluster: Cluster
    selection: Selection
    sink: Sink
    clock: Callable[[], float] = monotonic
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    """The first list is complete, or the kind is not installed."""
    heard: float = field(init=False)
    """When the server was last heard of this kind: a change, a bookmark, a list, or that there is none."""
    tried: float = field(init=False)
    """When a request was last begun or answered."""
    relists: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.heard = self.tried = self.clock()

    @property
    def age(self) -> float:
        """Seconds since the server was last heard."""
        return self.clock() - self.heard

    @property
    def tried_age(self) -> float:
        """Seconds since the server was last heard or asked."""
        return self.clock() - max(self.heard, self.tried)

    async def run(self) -> None:
        """Follows the kind for ever."""
        failures = 0
        while True:
            self.tried = self.clock()
            try:
                version = await self._list()
                failures = 0
                await self._watch(version)
            except Gone:
                self.heard = self.clock()
                self.synced.set()
                await asyncio.sleep(_ABSENT_SECONDS)
            except Expired:
                _log.info("watch_expired", kind=self.selection.kind.name)
            except MunshiError as error:
                failures += 1
                _log.warning("watch_lost", kind=self.selection.kind.name, reason=str(error))
                await asyncio.sleep(_pause(failures))

    async def _list(self) -> str:
        seen: set[str] = set()
        version = ""
        async for page in self.cluster.list(self.selection):
            version = page.resource_version
            for raw in page.items:
                seen.add(raw["metadata"]["uid"])
                self.sink.put(raw)
            self.heard = self.clock()
            await asyncio.sleep(0)  # a long list is taken in beside the work, not instead of it
        self.sink.keep_only(seen, int(version or 0))
        self.relists += 1
        self.synced.set()
        return version

    async def _watch(self, version: str) -> None:
        """Returns or raises when the kind must be listed again."""
        failures = 0
        while True:
            self.tried = self.clock()
            try:
                async for change in self.cluster.watch(self.selection, version):
                    failures = 0
                    self.heard = self.clock()
                    version = change.object["metadata"]["resourceVersion"]
                    self._take(change)
            except (Expired, Gone):
                raise
            except MunshiError as error:
                failures += 1
                if failures > 3:
                    raise
                _log.info("watch_broken", kind=self.selection.kind.name, reason=str(error))
            await asyncio.sleep(_pause(failures))

    def _take(self, change: Change) -> None:
        if change.type == "DELETED":
            self.sink.drop(change.object)
        elif change.type != "BOOKMARK":
            self.sink.put(change.object)


def _pause(failures: int) -> float:
    first, most = _RETRY_SECONDS
    whole = min(most, first * 2.0 ** min(failures, 20))
    return random.uniform(whole / 2, whole)
