"""Takes away what is kept: of some messages when it is asked for, of every tenant when it is old."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
import structlog

from munshi.contracts.ids import TenantKey
from munshi.contracts.media import DeleteRequest, MediaAnswer, Stored
from munshi.contracts.tenant import age_of
from munshi.errors import Retryable
from munshi.objects import ObjectInfo, ObjectMissing, ObjectStore, TenantObjects
from munshi.tenants import Tenant
from munshi_media.metrics import Metrics
from munshi_media.records import INBOUND, REFS, load, ref_key, short

_log = structlog.get_logger()

_MARKER = "retention.json"
"""When the last pass ended, for all replicas of a cell. Two passes at once only do the same twice."""
_HOUR = 3600.0
_FIRST_SECONDS = 30.0
_AGAIN_SECONDS = 60.0


async def delete_messages(objects: TenantObjects, request: DeleteRequest, metrics: Metrics) -> MediaAnswer:
    """Deletes the files of messages, and the bytes that no other message brought as well.

    The record goes last: what broke off half-way is found again by it.
    """
    for message_id in request.message_ids:
        for key in await objects.list(f"{INBOUND}/{short(message_id)}"):
            record = await load(objects, key)
            if record is not None:
                for stored in (record.answer.normalised, record.answer.original):
                    if stored is not None:
                        await _let_go(objects, key, stored, metrics)
            await objects.delete(key)
            metrics.deleted.labels("asked").inc()
    return MediaAnswer()


async def _let_go(objects: TenantObjects, record: str, stored: Stored, metrics: Metrics) -> None:
    await objects.delete(ref_key(stored.sha256, record))
    if not await objects.list(f"{REFS}/{stored.sha256}"):
        await objects.delete(stored.key)
        metrics.deleted.labels("asked").inc()


@dataclass
class Retention:
    """Passes over one cell's objects, a day or so apart, by whichever replica comes first."""

    store: ObjectStore
    tenants: Callable[[], list[Tenant]]
    """Those of the cell; empty while they are not known."""
    metrics: Metrics
    every_seconds: float
    clock: Callable[[], float] = field(default=time.time)

    async def run(self) -> None:
        """Passes for ever; to be cancelled."""
        await asyncio.sleep(min(_FIRST_SECONDS, self.every_seconds) * random.random())
        while True:
            try:
                wait = await self.once()
            except Retryable as error:
                _log.warning("retention_put_off", reason=str(error))
                wait = min(_AGAIN_SECONDS, self.every_seconds)
            # Replicas do not come at the same moment, so that one finds the mark of the other.
            await asyncio.sleep(wait * random.uniform(1.0, 1.1))

    async def once(self) -> float:
        """A pass, where one is due. Gives back the seconds until the next one.

        Raises:
            Retryable: the store is away.
        """
        due = await self._last() + self.every_seconds
        if self.clock() < due:
            return due - self.clock()
        limits = {tenant.key: age_of(tenant.spec.retention.media) for tenant in self.tenants()}
        if not limits:
            return min(_AGAIN_SECONDS, self.every_seconds)
        deleted = 0
        async for portion in self.store.list():
            old = [one.key for one in portion if self._old(one, limits)]
            deleted += await self._delete(old, limits)
        await self.store.put(_MARKER, orjson.dumps({"ended": self.clock()}), "application/json")
        _log.info("retention_passed", deleted=deleted)
        return self.every_seconds

    async def _last(self) -> float:
        try:
            return float(orjson.loads(await self.store.get(_MARKER))["ended"])
        except (ObjectMissing, ValueError, KeyError, TypeError):
            return 0.0

    def _old(self, one: ObjectInfo, limits: dict[TenantKey, timedelta]) -> bool:
        """What belongs to nobody that is served here stays: a deleted tenant's kept data, a moving one's."""
        limit = limits.get(TenantKey(one.key.partition("/")[0]))
        return limit is not None and one.modified < datetime.fromtimestamp(self.clock(), UTC) - limit

    async def _delete(self, keys: list[str], limits: dict[TenantKey, timedelta]) -> int:
        # Looked at again: the same bytes may have come in anew since the listing.
        found = [await self.store.find(key) for key in keys]
        old = [one.key for one in found if one is not None and self._old(one, limits)]
        if old:
            await self.store.delete(old)
            self.metrics.deleted.labels("retention").inc(len(old))
        return len(old)
