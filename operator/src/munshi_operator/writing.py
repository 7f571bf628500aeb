"""Guards every write to the API server: only the leader's, so many at once, so many a second."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from munshi_operator.api import Change, Cluster, NotLeading, Page, Selection
from munshi_operator.kinds import Ref, kind_of
from munshi_operator.types import Manifest

_T = TypeVar("_T")


@dataclass
class Bucket:
    """A token bucket: `rate` a second on average, `burst` at once."""

    rate: float
    burst: int
    clock: Callable[[], float] = monotonic
    _tokens: float = field(init=False)
    _filled: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)
        self._filled = self.clock()

    def wait(self) -> float:
        """Takes a token; returns the seconds to wait before it may be used."""
        self._fill()
        self._tokens -= 1
        return max(0.0, -self._tokens / self.rate)

    def try_take(self) -> bool:
        """Takes a token if one is there."""
        self._fill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _fill(self) -> None:
        now = self.clock()
        self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.rate)
        self._filled = now


class GuardedCluster:
    """`Cluster` for the loop. Reads pass; writes are counted, limited and refused to a follower."""

    def __init__(self, inner: Cluster, bucket: Bucket, at_once: int, leading: Callable[[], bool]) -> None:
        self._inner = inner
        self._bucket = bucket
        self._room = asyncio.Semaphore(at_once)
        self._leading = leading
        self.writes: Counter[tuple[str, str, str]] = Counter()
        """Writes by verb, kind and outcome (`ok` or `refused`)."""

    async def apply(self, manifest: Manifest, subresource: str = "") -> Manifest:
        """See `Cluster`."""
        verb = f"apply_{subresource}" if subresource else "apply"
        return await self._write(
            verb, kind_of(manifest).name, lambda: self._inner.apply(manifest, subresource)
        )

    async def delete(self, ref: Ref, uid: str) -> None:
        """See `Cluster`."""
        await self._write("delete", ref.kind.name, lambda: self._inner.delete(ref, uid))

    async def get(self, ref: Ref) -> Manifest | None:
        """See `Cluster`."""
        return await self._inner.get(ref)

    async def create(self, manifest: Manifest) -> Manifest:
        """See `Cluster`."""
        return await self._write("create", kind_of(manifest).name, lambda: self._inner.create(manifest))

    async def replace(self, manifest: Manifest) -> Manifest:
        """See `Cluster`."""
        return await self._write("replace", kind_of(manifest).name, lambda: self._inner.replace(manifest))

    def list(self, selection: Selection) -> AsyncIterator[Page]:
        """See `Cluster`."""
        return self._inner.list(selection)

    def watch(self, selection: Selection, since: str) -> AsyncIterator[Change]:
        """See `Cluster`."""
        return self._inner.watch(selection, since)

    async def _write(self, verb: str, kind: str, call: Callable[[], Awaitable[_T]]) -> _T:
        await asyncio.sleep(self._bucket.wait())
        async with self._room:
            if not self._leading():  # asked last: a lease may end while a write waits
                raise NotLeading("this replica does not lead")
            outcome = "refused"
            try:
                result = await call()
                outcome = "ok"
                return result
            finally:
                self.writes[verb, kind, outcome] += 1
