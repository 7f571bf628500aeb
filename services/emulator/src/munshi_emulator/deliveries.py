"""Delivery of webhooks: due times, batches, retries, and the bad luck that a test orders.

An update is due at a time, then ready, then in flight; it ends delivered (answered by 200) or given up after
seven days. Each webhook address has a lane with a bounded number of POSTs in flight; what finds them all busy
waits and travels together, as Meta's batches do. Nothing is in order, as with Meta.
"""

import asyncio
import contextlib
import heapq
import io
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import aiohttp
import structlog

from munshi_emulator.clock import Clock
from munshi_emulator.directory import Directory
from munshi_emulator.journal import Journal
from munshi_emulator.metrics import Metrics
from munshi_emulator.models import DeliveryFaults, PhoneNumber
from munshi_emulator.settings import Settings
from munshi_emulator.store import Statement, Store
from munshi_emulator.webhooks import Update, body, signature

_LARGE = 1_000_000
"""Bytes from which on aiohttp wants a stream."""

Fired = Callable[[Update], Statement | None]
Landed = Callable[[Update], Statement | None]


@dataclass
class Lane:
    """One webhook address with what waits for it."""

    ready: list[Update] = field(default_factory=list)
    gathering: list[Update] = field(default_factory=list)
    flying: int = 0
    failing: bool = False


class Deliveries:
    """The engine. `fired` is called once when an update first becomes due, `landed` when it was answered by
    200; what they return is written with the change."""

    def __init__(
        self, settings: Settings, clock: Clock, directory: Directory, journal: Journal, metrics: Metrics
    ) -> None:
        """Build it; `start` gives it a connection and the updates of the last run."""
        self.settings = settings
        self.clock = clock
        self.directory = directory
        self.journal = journal
        self.store: Store = journal.store
        self.metrics = metrics
        self.faults: dict[str, DeliveryFaults] = {}
        self.fired: Fired = lambda _update: None
        self.landed: Landed = lambda _update: None
        self._heap: list[tuple[float, int, Update]] = []
        self._ghosts = 0
        self._generation = 0
        self._log = structlog.get_logger()
        self._held: dict[str, list[Update]] = {}
        self._parked: list[Update] = []
        self._lanes: dict[str, Lane] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession

    async def start(self) -> None:
        """Open the client and take up what an earlier run left."""
        timeout = aiohttp.ClientTimeout(total=self.settings.webhook_timeout_seconds)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=15)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)
        left = self.journal.pending_updates()
        now = time.time()
        for update in left:
            if update.attempts and update.due is not None:
                update.due = now
        self.schedule(left)

    async def stop(self) -> None:
        """Stop starting POSTs; those in flight get a moment, the rest is on disk."""
        if self._timer is not None:
            self._timer.cancel()
        self._heap.clear()
        for lane in self._lanes.values():
            lane.ready.clear()
            lane.gathering.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.settings.stop_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def schedule(self, updates: Iterable[Update]) -> None:
        """Take updates that are on disk. One without a due time is held until `release`."""
        for update in updates:
            if update.due is None:
                self._held.setdefault(update.wamid or "", []).append(update)
            else:
                heapq.heappush(self._heap, (update.due, update.id, update))
        self._set_timer()

    def release(self, wamid: str, due: float, stamp: Callable[[str], str]) -> list[Statement]:
        """Make the held updates of a message due; `stamp` puts the time of the event into their items."""
        updates = self._held.pop(wamid, [])
        for update in updates:
            update.due = due
            update.item = stamp(update.item)
        self.schedule(updates)
        return [
            ("UPDATE updates SET due = ?, item = ? WHERE id = ?", (due, update.item, update.id))
            for update in updates
        ]

    def hurry(self, number: str) -> None:
        """Repeat what failed for a number now: its webhook was registered anew and is likely to be there."""
        now = time.time()
        for _, _, update in self._heap:
            if update.number == number and update.attempts and update.due is not None:
                update.due = now
        self._heap = [(update.due or 0.0, key, update) for _, key, update in self._heap]
        heapq.heapify(self._heap)
        self._set_timer()

    def set_faults(self, scope: str, faults: DeliveryFaults) -> None:
        """Set how the webhooks of a number (or `*`) travel; what was parked by a pause goes on."""
        self.faults[scope] = faults
        parked, self._parked = self._parked, []
        for update in parked:
            self._offer(update)

    def forget(self, number: str | None = None) -> None:
        """Drop what waits for a number, or for all (the caller sees to the store)."""

        if number is None:
            self._generation += 1  # what is in flight now belongs to nobody any more

        def kept(updates: list[Update]) -> list[Update]:
            return [update for update in updates if number is not None and update.number != number]

        self._heap = [entry for entry in self._heap if kept([entry[2]])]
        heapq.heapify(self._heap)
        self._held = {wamid: left for wamid, updates in self._held.items() if (left := kept(updates))}
        self._parked = kept(self._parked)
        for lane in self._lanes.values():
            lane.ready = kept(lane.ready)
            lane.gathering = kept(lane.gathering)

    def waiting(self) -> int:
        """Updates that are not delivered yet, without those held for the page."""
        lanes = sum(len(lane.ready) + len(lane.gathering) + lane.flying for lane in self._lanes.values())
        return len(self._heap) + len(self._parked) + lanes

    def faults_of(self, number: str) -> DeliveryFaults:
        """How the webhooks of a number travel."""
        return self.faults.get(number) or self.faults.get("*") or DeliveryFaults()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._heap[0][0] - time.time()), self._fire)

    def _fire(self) -> None:
        """Move what is due to its lane."""
        now = time.time() + 0.001
        statements: list[Statement] = []
        due: list[Update] = []
        while self._heap and self._heap[0][0] <= now:
            update = heapq.heappop(self._heap)[2]
            if not update.applied:
                update.applied = True
                statement = self.fired(update)
                if statement is not None:
                    statements.append(statement)
                if self._misfortune(update):
                    continue
            due.append(update)
        if statements:
            self.store.write(*statements)
        for update in due:
            self._offer(update)
        self._set_timer()

    def _misfortune(self, update: Update) -> bool:
        """Duplicate or delay an update by the faults in force; True if it has to wait."""
        faults = self.faults_of(update.number)
        if faults.duplicate and random.random() < faults.duplicate:
            self._ghosts -= 1
            due = time.time() + random.random()
            ghost = replace(update, id=self._ghosts, ghost=True, due=due)
            heapq.heappush(self._heap, (due, ghost.id, ghost))
        if faults.late and random.random() < faults.late:
            update.due = time.time() + faults.late_seconds
            heapq.heappush(self._heap, (update.due, update.id, update))
            return True
        return False

    def _offer(self, update: Update) -> None:
        """Put a due update into its lane, or park it while its number is paused."""
        faults = self.faults_of(update.number)
        if faults.paused:
            self._parked.append(update)
            return
        number = self.directory.numbers.get(update.number)
        if number is None or number.webhook_url is None:
            self._settle([update], 0)
            return
        lane = self._lanes.setdefault(number.webhook_url, Lane())
        if faults.linger_ms:
            if not lane.gathering:
                url = number.webhook_url
                asyncio.get_running_loop().call_later(faults.linger_ms / 1000, self._gathered, url, faults)
            lane.gathering.append(update)
            return
        lane.ready.append(update)
        self._pump(number.webhook_url, lane)

    def _gathered(self, url: str, faults: DeliveryFaults) -> None:
        lane = self._lanes[url]
        together, lane.gathering = lane.gathering, []
        if faults.permute:
            random.shuffle(together)
        lane.ready.extend(together)
        self._pump(url, lane)

    def _pump(self, url: str, lane: Lane) -> None:
        """Start POSTs while there is something to post and a connection free."""
        while lane.ready and lane.flying < self.settings.webhook_concurrency:
            batch = self._take(lane)
            lane.flying += 1
            task = asyncio.get_running_loop().create_task(self._deliver(url, lane, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self, lane: Lane) -> list[Update]:
        """The next batch: updates signed with the same secret, within the limits of number and size."""
        first = lane.ready[0]
        limit = self.faults_of(first.number).batch_max
        secret = self.directory.numbers[first.number].app_secret
        size = 0
        count = 0
        for update in lane.ready[:limit]:
            size += len(update.item) + len(update.contact or "") + 300
            alone = update.kind == "raw" and count > 0
            foreign = self.directory.numbers[update.number].app_secret != secret
            if count and (size > self.settings.webhook_body_bytes or alone or foreign):
                break
            count += 1
            if update.kind == "raw":
                break
        batch = lane.ready[:count]
        del lane.ready[:count]
        return batch

    async def _deliver(self, url: str, lane: Lane, batch: list[Update]) -> None:
        """One POST and what follows from its answer."""
        code = 0
        generation = self._generation
        try:
            code = await self._post(url, batch)
        finally:
            lane.flying -= 1
            if generation == self._generation:
                self._settle(batch, code)
            self._report(url, lane, code)
            self._pump(url, lane)

    def _report(self, url: str, lane: Lane, code: int) -> None:
        """One log line when an address begins to fail, one when it is well again."""
        if lane.failing == (code != 200):
            return
        lane.failing = code != 200
        if lane.failing:
            self._log.warning("webhook fails", url=url, code=code)
        else:
            self._log.info("webhook answers again", url=url)

    async def _post(self, url: str, batch: list[Update]) -> int:
        """The HTTP status of the answer, or 0 if there was none (or a fault lost it)."""
        number = self.directory.numbers[batch[0].number]
        faults = self.faults_of(number.phone_number_id)
        raw = body(batch, self.directory.numbers)
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        signed = _signature(raw, number, faults)
        if signed is not None:
            headers["X-Hub-Signature-256"] = signed
        started = time.perf_counter()
        payload = raw if len(raw) < _LARGE else io.BytesIO(raw)
        code = 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._session.post(
                url, data=payload, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                code = answer.status
        self.metrics.webhook_seconds.observe(time.perf_counter() - started)
        self.metrics.webhook_posts.labels(code=str(code)).inc()
        if code == 200 and faults.lost_ack and random.random() < faults.lost_ack:
            return 0
        return code

    def _settle(self, batch: list[Update], code: int) -> None:
        """Write what became of each update; put failed ones back with a longer wait."""
        now = time.time()
        statements: list[Statement] = []
        again: list[Update] = []
        for update in batch:
            update.attempts += 1
            update.first_at = update.first_at or now
            if update.ghost:
                continue
            if code == 200:
                statements.append(_done(update, "delivered", code, now))
                landed = self.landed(update)
                if landed is not None:
                    statements.append(landed)
                self.metrics.updates.labels(outcome="delivered").inc()
            elif self._hopeless(update):
                statements.append(_done(update, "dropped", code, now))
                self.metrics.updates.labels(outcome="dropped").inc()
            else:
                update.due = now + self._wait(update.attempts)
                statements.append(_failed(update, code))
                again.append(update)
                self.metrics.updates.labels(outcome="retried").inc()
        if statements:
            self.store.write(*statements)
        if again:
            self.schedule(again)

    def _hopeless(self, update: Update) -> bool:
        """Whether an update is given up: too old, or of a number that is not registered any more."""
        age = self.clock.now() - update.born
        return age > self.settings.retry_days * 86400 or update.number not in self.directory.numbers

    def _wait(self, attempts: int) -> float:
        """Seconds until the next attempt: doubling, bounded, with a tenth of jitter."""
        step = self.settings.retry_first_seconds * 2.0 ** min(attempts - 1, 30)
        return min(step, self.settings.retry_max_seconds) * random.uniform(0.9, 1.1)


def _done(update: Update, state: str, code: int, now: float) -> Statement:
    return (
        "UPDATE updates SET state = ?, attempts = ?, last_code = ?, first_at = ?, done_at = ? WHERE id = ?",
        (state, update.attempts, code, update.first_at, now, update.id),
    )


def _failed(update: Update, code: int) -> Statement:
    return (
        "UPDATE updates SET attempts = ?, last_code = ?, first_at = ?, due = ? WHERE id = ?",
        (update.attempts, code, update.first_at, update.due, update.id),
    )


def _signature(raw: bytes, number: PhoneNumber, faults: DeliveryFaults) -> str | None:
    """The signature header, right or as wrong as ordered."""
    if faults.sign == "none":
        return None
    secret = number.app_secret
    if faults.sign == "previous" and number.app_secret_previous:
        secret = number.app_secret_previous
    elif faults.sign == "wrong":
        secret = number.app_secret + "-not"
    return signature(raw, secret)
