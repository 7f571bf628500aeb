"""What the readings lean on, shown on the real server."""

from munshi.contracts.subjects import partition_of
from munshi.sealing import conversation_key
from munshi_orchestrator.pull import Delivery, LaneStream
from orchestrator.stage import NUMBER, Stage
from rig.waiting import eventually


async def read(stage: Stage, partition: int, count: int) -> tuple[LaneStream, list[Delivery]]:
    got: list[Delivery] = []
    stream = LaneStream(stage.connection.client, stage.cell.name, partition, got.append, lambda _: None)
    await stream.open()
    await stream.ask(256)

    async def enough() -> bool:
        return len(got) >= count

    await eventually(enough)
    return stream, got


async def partition_with(stage: Stage, count: int) -> int:
    """Puts so many messages of one person; gives back their partition."""
    for _ in range(count):
        await stage.say("help")
    key = conversation_key(stage.lookup_key(stage.entry), NUMBER, None, "919800000001")
    return partition_of(key, stage.cell.partitions)


async def test_a_fresh_consumer_begins_at_the_oldest_that_is_not_done(stage: Stage) -> None:
    partition = await partition_with(stage, 6)
    first, got = await read(stage, partition, 6)
    await stage.connection.client.publish(got[0].ack_subject)
    await first.close()
    for _ in range(3):
        await stage.say("help")
    second, again = await read(stage, partition, 8)
    assert [one.sequence for one in again] == [2, 3, 4, 5, 6, 7, 8, 9]
    await second.close()


async def test_a_late_ack_for_an_earlier_consumer_does_no_harm(stage: Stage) -> None:
    partition = await partition_with(stage, 6)
    first, got = await read(stage, partition, 6)
    await first.close()
    second = LaneStream(stage.connection.client, stage.cell.name, partition, got.append, lambda _: None)
    await second.open()
    # Nothing was asked for yet: the server must neither skip what lies before nor forget the message's fate.
    await stage.connection.client.publish(got[3].ack_subject)
    await stage.connection.client.flush()
    got.clear()
    await second.ask(256)

    async def all_came() -> bool:
        return {one.sequence for one in got} >= {1, 2, 3, 5, 6}

    await eventually(all_came)
    assert [one.sequence for one in got] == sorted(one.sequence for one in got)
    await second.close()
