"""The one queue: keyed, without duplicates, a back-off for each key, fresh changes before routine. Pure.

A key is in work once at a time; what happens to it meanwhile puts it back when it is done. Lanes are served
in turn by weight, so that a storm in one stops none. In a lane, groups (namespaces) are served in turn, so
that one team's thousand changes hold nobody else's up; in a group, first come, first served.
"""

import asyncio
import heapq
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K")


class Lane(IntEnum):
    """Why a key waits; the lower, the sooner."""

    CHANGE = 0
    """Somebody changed the tenant or its Secret."""
    CHILD = 1
    """A child moved, or a step asks to go on."""
    ROUTINE = 2
    """A resync or a retry."""


_TURNS = (Lane.CHANGE, Lane.CHANGE, Lane.CHILD, Lane.CHANGE, Lane.CHANGE, Lane.CHILD, Lane.ROUTINE)
"""Who is served first in each turn. A lane that is empty gives its turn to the next in order."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits after failures in a row: doubling, with half of it by chance."""

    first: float
    most: float

    def wait(self, failures: int) -> float:
        """Seconds after so many failures in a row (1 or more)."""
        whole = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return whole * random.uniform(0.5, 1.0)


@dataclass
class _Waiting(Generic[K]):
    """Keys of one lane, with the time since which they wait."""

    group: Callable[[K], object]
    _groups: "OrderedDict[object, OrderedDict[K, float]]" = field(default_factory=OrderedDict)
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: K) -> bool:
        return key in self._groups.get(self.group(key), ())

    def add(self, key: K, now: float) -> None:
        """Puts a key, which is not in yet, behind the others of its group."""
        self._groups.setdefault(self.group(key), OrderedDict())[key] = now
        self._count += 1

    def take(self) -> K:
        """The first key of the group whose turn it is."""
        group, keys = self._groups.popitem(last=False)
        key, _ = keys.popitem(last=False)
        if keys:
            self._groups[group] = keys
        self._count -= 1
        return key

    def discard(self, key: K) -> None:
        """Takes a key out, if it is in."""
        group = self.group(key)
        keys = self._groups.get(group)
        if keys is None or keys.pop(key, None) is None:
            return
        self._count -= 1
        if not keys:
            del self._groups[group]

    def since(self) -> float | None:
        """The earliest time since which one waits."""
        return min((next(iter(keys.values())) for keys in self._groups.values()), default=None)


def _one_group(_: object) -> object:
    return None


@dataclass
class Queue(Generic[K]):
    """Keys that wait, in lanes, or for a time."""

    backoff: Backoff
    clock: Callable[[], float] = monotonic
    group: Callable[[K], object] = _one_group
    """Whose turn a key takes."""
    _ready: dict[Lane, _Waiting[K]] = field(init=False)
    _due: dict[K, tuple[float, Lane]] = field(init=False, default_factory=dict)
    _times: list[tuple[float, int, K]] = field(init=False, default_factory=list)
    _working: dict[K, float] = field(init=False, default_factory=dict)
    _again: dict[K, Lane] = field(init=False, default_factory=dict)
    _failures: dict[K, int] = field(init=False, default_factory=dict)
    _turn: int = field(init=False, default=0)
    _count: int = field(init=False, default=0)
    _woken: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    finished: int = field(init=False, default=0)
    """Passes that came to an end, good or bad."""
    last_progress: float = field(init=False)
    """When a pass last ended, or the queue was last seen without anything to do."""

    def __post_init__(self) -> None:
        self._ready = {lane: _Waiting(self.group) for lane in Lane}
        self.last_progress = self.clock()

    def resume(self) -> None:
        """Keys are taken from now on: what waited until here waited for nobody's fault."""
        self.last_progress = self.clock()

    def add(self, key: K, lane: Lane = Lane.CHANGE, delay: float = 0.0) -> None:
        """Asks for a pass over `key`, at the earliest after `delay` seconds.

        A pass that is asked for already comes at the earlier of both times, in the better lane.
        """
        if lane is Lane.CHANGE:
            self._failures.pop(key, None)
        if delay > 0:
            self._add_later(key, lane, self.clock() + delay)
            return
        due = self._due.get(key)
        if due is not None and due[1] >= lane:
            del self._due[key]  # the pass that comes now sees what that one would have seen
        if key in self._working:
            self._again[key] = min(lane, self._again.get(key, lane))
            return
        self._make_ready(key, lane)

    def add_many(self, keys: Iterable[K]) -> None:
        """Asks for a pass over each, as a step of another one."""
        for key in keys:
            self.add(key, Lane.CHILD)

    def forget(self, key: K) -> None:
        """The key is no longer of interest."""
        for waiting in self._ready.values():
            waiting.discard(key)
        self._due.pop(key, None)
        self._again.pop(key, None)
        self._failures.pop(key, None)

    async def take(self) -> K:
        """The next key; it is in work until `done`, `failed` or `again` is called."""
        while True:
            self._ripen()
            lane = self._next_lane()
            if lane is not None:
                key = self._ready[lane].take()
                self._working[key] = self.clock()
                return key
            if not self._working:
                self.last_progress = self.clock()
            await self._sleep()

    def done(self, key: K, after: float | None = None, lane: Lane = Lane.ROUTINE) -> None:
        """The pass was good; the next routine one comes `after` seconds."""
        self._failures.pop(key, None)
        self._leave(key)
        if after is not None:
            self._add_later(key, lane, self.clock() + max(after, 0.001))

    def failed(self, key: K, least: float = 0.0) -> float:
        """The pass failed; the next comes after the back-off, or `least` seconds; returns the wait."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        wait = max(least, self.backoff.wait(count))
        self._leave(key)
        if not any(key in waiting for waiting in self._ready.values()):
            self._add_later(key, Lane.ROUTINE, self.clock() + wait)
        return wait

    @property
    def depth(self) -> int:
        """Keys that could be worked on now."""
        return sum(len(waiting) for waiting in self._ready.values())

    @property
    def working(self) -> int:
        """Keys in work."""
        return len(self._working)

    def pending_soon(self, seconds: float) -> bool:
        """Whether a pass is asked for within so many seconds."""
        soon = self.clock() + seconds
        return any(at <= soon for at, _ in self._due.values())

    @property
    def oldest(self) -> float:
        """Seconds that the longest waiting key has waited for its turn."""
        self._ripen()
        firsts = [since for waiting in self._ready.values() if (since := waiting.since()) is not None]
        return self.clock() - min(firsts) if firsts else 0.0

    @property
    def silent(self) -> float:
        """Seconds since the last progress, while there is something to do; else 0."""
        return self.clock() - self.last_progress if self.depth or self._working else 0.0

    def failures(self, key: K) -> int:
        """Failures in a row."""
        return self._failures.get(key, 0)

    def _leave(self, key: K) -> None:
        self._working.pop(key, None)
        self.finished += 1
        self.last_progress = self.clock()
        lane = self._again.pop(key, None)
        if lane is not None:
            self._make_ready(key, lane)

    def _make_ready(self, key: K, lane: Lane) -> None:
        for other, waiting in self._ready.items():
            if key in waiting:
                if other <= lane:
                    return
                waiting.discard(key)
        self._ready[lane].add(key, self.clock())
        if self.depth == 1 and not self._working:
            self.last_progress = self.clock()
        self._woken.set()

    def _add_later(self, key: K, lane: Lane, at: float) -> None:
        due = self._due.get(key)
        if due is not None and due[0] <= at:
            self._due[key] = (due[0], min(lane, due[1]))
            return
        self._due[key] = (at, min(lane, due[1]) if due else lane)
        self._count += 1
        heapq.heappush(self._times, (at, self._count, key))
        self._woken.set()

    def _ripen(self) -> None:
        now = self.clock()
        while self._times and self._times[0][0] <= now:
            at, _, key = heapq.heappop(self._times)
            due = self._due.get(key)
            if due is None or due[0] != at:
                continue  # asked for at another time since
            del self._due[key]
            if key in self._working:
                self._again[key] = min(due[1], self._again.get(key, due[1]))
            else:
                self._make_ready(key, due[1])

    def _next_lane(self) -> Lane | None:
        self._turn += 1
        order: tuple[Lane, ...] = (_TURNS[self._turn % len(_TURNS)], *Lane)
        return next((lane for lane in order if self._ready[lane]), None)

    async def _sleep(self) -> None:
        self._woken.clear()
        wait = self._times[0][0] - self.clock() if self._times else None
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            return
