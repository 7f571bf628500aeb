"""Several workers: sharing lanes, taking over from the dead, and being refused when fenced out."""

import asyncio
import os
import signal
import time
import urllib.request

from nats.js.errors import NotFoundError

from munshi.contracts.subjects import event_stream, lane_consumer, partition_of
from munshi.sealing import conversation_key
from munshi_orchestrator.sharing import fair_share
from orchestrator.stage import NUMBER, Stage, eventually
from rig.frozen import frozen
from rig.services import Service

PEOPLE = [f"9198000{number:05d}" for number in range(24)]


async def owners(stage: Stage) -> dict[str, int]:
    rows = await stage.rows(
        "select worker, count(*) as n from lanes where worker is not null group by worker"
    )
    return {row["worker"]: row["n"] for row in rows}


async def until_owned(stage: Stage, wanted: dict[str, int], seconds: float = 15.0) -> None:
    async def reached() -> bool:
        return await owners(stage) == wanted

    await eventually(reached, seconds)


async def test_workers_share_fairly_and_hand_over_without_a_gap(stage: Stage) -> None:
    stage.worker("one")
    await until_owned(stage, {"one": 16})
    two = stage.worker("two")
    await until_owned(stage, {"one": fair_share(16, ["one", "two"], "one"), "two": 8})
    asked: dict[str, list[str]] = {phone: [] for phone in PEOPLE}
    for turn in range(6):
        for phone in PEOPLE:
            asked[phone].append(await stage.say(f"Ramesh ko {100 + turn} udhaar diya", phone))
        if turn == 1:
            stage.worker("three", wait=False)
        if turn == 3:
            assert await asyncio.to_thread(two.stop) == 0  # the stub of the Graph API answers meanwhile
    await stage.settled()
    await until_owned(stage, {"one": 8, "three": 8})
    for phone in PEOPLE:
        assert [one.body["context"]["message_id"] for one in stage.graph.to(phone)] == asked[phone]
    assert await stage.one("select count(*) from transactions") == 6 * len(PEOPLE)


async def test_an_orderly_stop_gives_the_lanes_back_clean(stage: Stage) -> None:
    worker = stage.worker("one")
    await stage.say("help")
    await stage.replies(1)
    assert await asyncio.to_thread(worker.stop) == 0
    rows = await stage.rows("select worker, clean from lanes")
    assert {(row["worker"], row["clean"]) for row in rows} == {(None, True)}


async def test_another_worker_takes_over_from_a_dead_one(stage: Stage) -> None:
    one = stage.worker("one")
    await until_owned(stage, {"one": 16})
    stage.worker("two")
    await until_owned(stage, {"one": 8, "two": 8})
    one.kill()
    killed = time.monotonic()
    for phone in PEOPLE:
        await stage.say("help", phone)
    for phone in PEOPLE:
        await stage.replies(1, phone)
    # 2 s of lease, then one heartbeat to see it; far below a second owner's ack_wait of 5 minutes
    assert time.monotonic() - killed < 8.0
    await until_owned(stage, {"two": 16})


async def test_a_restart_under_the_same_name_takes_its_lanes_at_once(stage: Stage) -> None:
    worker = stage.worker("one", lease_seconds="60")
    await until_owned(stage, {"one": 16})
    worker.kill()
    await stage.say("help")
    worker.start()
    began = time.monotonic()
    await stage.replies(1)
    assert time.monotonic() - began < 10.0  # far below the lease of 60 s


async def test_a_worker_that_was_frozen_is_refused_and_the_order_holds(stage: Stage) -> None:
    broken = {"PYTHONPATH": os.fspath(stage.tests)}
    one = stage.worker("one", module="orchestrator.broken_worker", extra=broken)
    await until_owned(stage, {"one": 16})
    slow = await stage.say("slow1.0")
    then = await stage.say("after")
    await asyncio.sleep(0.3)  # the turn of the first message is under way now
    os.kill(one.pid, signal.SIGSTOP)
    stage.worker("two", module="orchestrator.broken_worker", extra=broken)
    await until_owned(stage, {"two": 16})
    await stage.replies(2)
    os.kill(one.pid, signal.SIGCONT)

    async def noticed() -> bool:
        return '"event":"lane_lost"' in one.log

    await eventually(noticed)
    await until_owned(stage, {"one": 8, "two": 8})
    last = await stage.say("last")
    await stage.settled()
    assert [sent.body["context"]["message_id"] for sent in stage.graph.sent] == [slow, then, last]


async def test_losing_the_database_for_longer_than_the_lease_loses_no_message(stage: Stage) -> None:
    worker = stage.worker("one")
    await stage.db.execute(f'alter role "{await _role(stage)}" nologin')
    await stage.db.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", await _role(stage)
    )
    asked = [await stage.say("help") for _ in range(3)]

    async def lost() -> bool:
        return '"event":"lane_lost"' in worker.log

    await eventually(lost)
    assert worker.answers("/healthz")
    await stage.db.execute(f'alter role "{await _role(stage)}" login')
    sent = await stage.replies(3)
    assert [one.body["context"]["message_id"] for one in sent] == asked


async def test_a_message_that_went_astray_is_found_by_the_servers_count(stage: Stage) -> None:
    """Delivered to somebody who never says that it is done: found long before the server's `ack_wait`."""
    key, partitions = stage.lookup_key(stage.entry), stage.cell.partitions

    def lane_of(phone: str) -> int:
        return partition_of(conversation_key(key, NUMBER, None, phone), partitions)

    neighbours = [phone for phone in (f"9198300{n:05d}" for n in range(1000)) if lane_of(phone) == 0]
    broken = {"PYTHONPATH": os.fspath(stage.tests)}
    # Ten messages fill the lane's memory, so that no request of the worker stands open meanwhile.
    stage.worker("one", module="orchestrator.broken_worker", extra=broken, in_flight_per_lane="10")
    for phone in neighbours[:10]:
        await stage.say("slow3", phone)
    astray, last = neighbours[10:12]
    bus = stage.connection.client.jetstream()
    stream, consumer = event_stream(stage.cell.name), lane_consumer(0)

    async def full() -> bool:
        try:
            info = await bus.consumer_info(stream, consumer)
        except NotFoundError:
            return False
        return (info.num_ack_pending, info.num_waiting) == (10, 0)

    await until_owned(stage, {"one": partitions})
    await eventually(full)
    await stage.say("help", astray)
    await stage.say("help", last)
    thief = await bus.pull_subscribe_bind(consumer=consumer, stream=stream)
    (taken,) = await thief.fetch(1, timeout=5)
    await thief.unsubscribe()
    assert taken.subject.endswith(conversation_key(key, NUMBER, None, astray))
    await stage.replies(1, last)
    assert not stage.graph.to(astray)
    await stage.replies(1, astray, seconds=30)
    await stage.settled()


async def test_a_lease_that_lapsed_and_was_renewed_leaves_nothing_behind(stage: Stage) -> None:
    """Frozen with turns in work, and nobody there to take the lanes meanwhile."""
    broken = {"PYTHONPATH": os.fspath(stage.tests)}
    worker = stage.worker("one", module="orchestrator.broken_worker", extra=broken)
    await until_owned(stage, {"one": 16})
    asked = {phone: [await stage.say("slow2", phone)] for phone in PEOPLE[:12]}

    async def in_work() -> bool:
        return await asyncio.to_thread(metric, worker, "munshi_conversations_active") == len(asked)

    await eventually(in_work)
    with frozen(worker.pid):
        await eventually(lambda: stage.one("select bool_and(expires_at < now()) from workers"))
        for phone, ids in asked.items():
            ids.append(await stage.say("younger", phone))
        await asyncio.sleep(1.0)  # the turns' own two seconds are over, too
    for phone, ids in asked.items():
        sent = await stage.replies(2, phone)
        assert [one.body["context"]["message_id"] for one in sent] == ids


def metric(worker: Service, name: str) -> float:
    with urllib.request.urlopen(f"{worker.url}/metrics", timeout=5) as answer:  # noqa: S310 (its own)
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


async def _role(stage: Stage) -> str:
    return str(await stage.one("select role_name from cells"))
