"""Several workers: sharing lanes, taking over from the dead, and being refused when fenced out."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from nats.js.errors import NotFoundError

from munshi.contracts.subjects import event_stream, lane_consumer, partition_of
from munshi.sealing import conversation_key
from munshi_orchestrator.sharing import fair_share
from orchestrator.stage import MORTAL, NUMBER, Stage
from rig.frozen import frozen
from rig.waiting import eventually

PEOPLE = [f"9198000{number:05d}" for number in range(24)]


async def owners(stage: Stage) -> dict[str, int]:
    rows = await stage.rows(
        "select worker, count(*) as n from lanes where worker is not null group by worker"
    )
    return {row["worker"]: row["n"] for row in rows}


async def until_owned(stage: Stage, wanted: dict[str, int]) -> None:
    async def reached() -> bool:
        return await owners(stage) == wanted

    await eventually(reached, f"lanes are owned so: {wanted}")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Where turns of `held` wait, each with a file of its name, until `open` is there."""
    made = tmp_path / "gate"
    made.mkdir()
    return made


def broken(stage: Stage, gate: Path | None = None) -> dict[str, str]:
    held = {"GATE": str(gate)} if gate else {}
    return {"PYTHONPATH": os.fspath(stage.tests), **held}


async def until_held(gate: Path, count: int) -> None:
    await eventually(lambda: len(list(gate.iterdir())) == count, f"{count} turns are under way")


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
    # By its own word: a lane that the database gave is not the worker's before it has heard of that.
    await eventually(lambda: worker.log.count('"event":"lane_taken"') == 16, "it has all lanes")
    await stage.say("help")
    await stage.replies(1)
    assert await asyncio.to_thread(worker.stop) == 0
    rows = await stage.rows("select worker, clean from lanes")
    assert {(row["worker"], row["clean"]) for row in rows} == {(None, True)}


async def test_another_worker_takes_over_from_a_dead_one(stage: Stage) -> None:
    one = stage.worker("one", lease_seconds=MORTAL)
    await until_owned(stage, {"one": 16})
    stage.worker("two")
    await until_owned(stage, {"one": 8, "two": 8})
    one.kill()
    killed = time.monotonic()
    for phone in PEOPLE:
        await stage.say("help", phone)
    for phone in PEOPLE:
        await stage.replies(1, phone)
    # 2 s of lease, then one heartbeat to see it; far below the server's ack_wait of 5 minutes
    assert time.monotonic() - killed < 120.0
    await until_owned(stage, {"two": 16})


async def test_a_restart_under_the_same_name_takes_its_lanes_at_once(stage: Stage) -> None:
    worker = stage.worker("one", lease_seconds="600")
    await until_owned(stage, {"one": 16})
    worker.kill()
    await stage.say("help")
    worker.start()
    began = time.monotonic()
    await stage.replies(1)
    assert time.monotonic() - began < 120.0  # far below the lease


async def test_a_worker_that_was_frozen_is_refused_and_the_order_holds(stage: Stage, gate: Path) -> None:
    module = "orchestrator.broken_worker"
    one = stage.worker("one", module=module, extra=broken(stage, gate), lease_seconds=MORTAL)
    await until_owned(stage, {"one": 16})
    slow = await stage.say("held")
    then = await stage.say("after")
    await until_held(gate, 1)
    with frozen(one.pid):
        stage.worker("two", module=module, extra=broken(stage))
        await until_owned(stage, {"two": 16})
        await stage.replies(2)
        (gate / "open").touch()
    await eventually(lambda: '"event":"lane_lost"' in one.log, "the one that was frozen notices")
    await until_owned(stage, {"one": 8, "two": 8})
    last = await stage.say("last")
    await stage.settled()
    assert [sent.body["context"]["message_id"] for sent in stage.graph.sent] == [slow, then, last]


async def test_losing_the_database_for_longer_than_the_lease_loses_no_message(stage: Stage) -> None:
    worker = stage.worker("one", lease_seconds="6")
    await until_owned(stage, {"one": 16})
    await stage.db.execute(f'alter role "{await _role(stage)}" nologin')
    await stage.db.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", await _role(stage)
    )
    asked = [await stage.say("help") for _ in range(3)]

    await eventually(lambda: '"event":"lane_lost"' in worker.log, "the worker gives its lanes up")
    assert worker.answers("/healthz")
    await stage.db.execute(f'alter role "{await _role(stage)}" login')
    sent = await stage.replies(3)
    assert [one.body["context"]["message_id"] for one in sent] == asked


async def test_a_message_that_went_astray_is_found_by_the_servers_count(stage: Stage, gate: Path) -> None:
    """Delivered to somebody who never says that it is done: found long before the server's `ack_wait`."""
    key, partitions = stage.lookup_key(stage.entry), stage.cell.partitions

    def lane_of(phone: str) -> int:
        return partition_of(conversation_key(key, NUMBER, None, phone), partitions)

    neighbours = [phone for phone in (f"9198300{n:05d}" for n in range(1000)) if lane_of(phone) == 0]
    # Ten messages fill the lane's memory, so that no request of the worker stands open meanwhile.
    module = "orchestrator.broken_worker"
    stage.worker("one", module=module, extra=broken(stage, gate), in_flight_per_lane="10")
    for phone in neighbours[:10]:
        await stage.say("held", phone)
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
    (taken,) = await thief.fetch(1, timeout=30)
    await thief.unsubscribe()
    assert taken.subject.endswith(conversation_key(key, NUMBER, None, astray))
    (gate / "open").touch()
    await stage.replies(1, last)
    await stage.replies(1, astray)
    await stage.settled()


async def test_a_lease_that_lapsed_and_was_renewed_leaves_nothing_behind(stage: Stage, gate: Path) -> None:
    """Frozen with turns in work that are over when it thaws, and nobody there to take the lanes meanwhile."""
    module = "orchestrator.broken_worker"
    worker = stage.worker("one", module=module, extra=broken(stage, gate), lease_seconds=MORTAL)
    await until_owned(stage, {"one": 16})
    asked = {phone: [await stage.say("held", phone)] for phone in PEOPLE[:12]}
    await until_held(gate, len(asked))
    with frozen(worker.pid):
        await eventually(lambda: stage.one("select bool_and(expires_at < now()) from workers"))
        for phone, ids in asked.items():
            ids.append(await stage.say("younger", phone))
        (gate / "open").touch()
    for phone, ids in asked.items():
        sent = await stage.replies(2, phone)
        assert [one.body["context"]["message_id"] for one in sent] == ids


async def _role(stage: Stage) -> str:
    return str(await stage.one("select role_name from cells"))
