"""What has passed its retention goes; what still guards against repeats stays."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from munshi.contracts.ids import MessageID
from munshi.contracts.tenant import Retention, age_of
from munshi.db.dead_letters import Burial, Graveyard
from munshi.db.retention import BATCH, Purged, purge
from munshi.db.turns import Seen
from munshi.errors import Permanent

from .conftest import APART, SHARMA, VERMA, Cells, Database
from .scenes import Talk, entry, message, now, talk


async def aged(db: Database, tenant: str, days: float) -> None:
    """Lets so many days pass for all that a tenant has."""
    superuser = await asyncpg.connect(db.superuser_url)
    for table, column in (
        ("inbound_messages", "turn_at"),
        ("outbox", "created_at"),
        ("dead_letters", "created_at"),
        ("turn_attempts", "updated_at"),
    ):
        await superuser.execute(
            f"UPDATE {table} SET {column} = {column} - $1::interval WHERE tenant = $2",
            timedelta(days=days),
            tenant,
        )
    await superuser.close()


async def scene(cells: Cells, admin: asyncpg.Connection) -> Talk:
    """A turn with an entry and two replies (one sent, one waiting), a failed try and a dead letter."""
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", entry("wamid.A#1"))
    last = await one.queue("sent", "waiting")
    await admin.execute(
        "UPDATE outbox SET state = 'sent', wamid = 'wamid.1' WHERE id = $1", last.outbox[0].id
    )
    graveyard = Graveyard(cells.pool)
    await graveyard.note_attempt(SHARMA, MessageID("wamid.B"), "x")
    await graveyard.bury(Burial(SHARMA, "turn", "wamid.B", "defect", {}))
    return one


async def left(admin: asyncpg.Connection) -> dict[str, int]:
    """What is still there."""
    queries = {
        "marks": "SELECT count(*) FROM inbound_messages",
        "texts": "SELECT count(body) FROM inbound_messages",
        "outbox": "SELECT count(*) FROM outbox",
        "replies": "SELECT count(body) FROM outbox",
        "letters": "SELECT count(*) FROM dead_letters",
        "attempts": "SELECT count(*) FROM turn_attempts",
        "entries": "SELECT count(*) FROM transactions",
    }
    return {name: await admin.fetchval(query) for name, query in queries.items()}


FULL = {"marks": 2, "texts": 2, "outbox": 2, "replies": 2, "letters": 1, "attempts": 1, "entries": 1}


@pytest.mark.parametrize(
    ("retention", "days", "gone"),
    [
        ("365d", 300, {"attempts": 0}),
        ("365d", 366, {"marks": 0, "texts": 0, "outbox": 1, "replies": 1, "letters": 0, "attempts": 0}),
        # shorter than Meta's retries: texts go, marks stay
        ("24h", 2, {"texts": 0, "replies": 1, "letters": 0}),
        ("24h", 7.5, {"texts": 0, "replies": 1, "letters": 0}),
        ("24h", 8.5, {"marks": 0, "texts": 0, "outbox": 1, "replies": 1, "letters": 0, "attempts": 0}),
        ("24h", 0, {}),
    ],
)
async def test_each_thing_goes_in_its_time(
    db: Database, cells: Cells, admin: asyncpg.Connection, retention: str, days: float, gone: dict[str, int]
) -> None:
    await scene(cells, admin)
    await aged(db, SHARMA, days)
    await purge(cells.pool, SHARMA, Retention(messages=retention))
    assert await left(admin) == {**FULL, **gone}
    assert await purge(cells.pool, SHARMA, Retention(messages=retention)) == Purged()


async def test_a_late_repeat_is_still_a_duplicate_after_its_text_went(
    db: Database, cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await scene(cells, admin)
    await aged(db, SHARMA, 7.1)
    await purge(cells.pool, SHARMA, Retention(messages="24h"))
    assert await one.commit(await one.turn(message("wamid.A"))) == Seen((MessageID("wamid.A"),))


async def test_many_rows_go_batch_by_batch_and_side_by_side(
    db: Database, cells: Cells, admin: asyncpg.Connection
) -> None:
    await scene(cells, admin)
    superuser = await asyncpg.connect(db.superuser_url)
    rows = 3 * BATCH + 17
    await superuser.execute(
        "INSERT INTO inbound_messages (tenant, message_id, type, body, disposition, received_at)"
        " SELECT $1, 'wamid.many' || n, 'text', '{}', 'turn', now() FROM generate_series(1, $2) AS n",
        SHARMA,
        rows,
    )
    await superuser.close()
    await aged(db, SHARMA, 400)
    retention = Retention(messages="30d")
    done = await asyncio.gather(*(purge(cells.pool, SHARMA, retention) for _ in range(3)))
    total = sum(done, Purged())
    assert total.marks == rows + 2
    assert (await left(admin))["marks"] == 0


async def test_a_run_is_bounded(db: Database, cells: Cells, admin: asyncpg.Connection) -> None:
    await scene(cells, admin)
    await aged(db, SHARMA, 400)
    assert (await purge(cells.pool, SHARMA, Retention(), batches=0)).rows == 0
    assert (await left(admin)) == FULL


async def test_other_tenants_keep_theirs(db: Database, cells: Cells, admin: asyncpg.Connection) -> None:
    one = await scene(cells, admin)
    other = Talk(cells.pool, VERMA, one.lane, one.fence)
    await other.say("wamid.V")
    await aged(db, SHARMA, 400)
    await aged(db, VERMA, 400)
    await purge(cells.pool, SHARMA, Retention())
    assert await admin.fetchval("SELECT count(*) FROM inbound_messages WHERE tenant = $1", VERMA) == 1
    with pytest.raises(Permanent):
        await purge(cells.pool, APART, Retention())


@pytest.mark.parametrize(("given", "span"), [("36h", timedelta(hours=36)), ("90d", timedelta(days=90))])
def test_durations(given: str, span: timedelta) -> None:
    assert age_of(given) == span


@pytest.mark.parametrize("bad", ["", "90", "1w", "d", "-1d"])
def test_bad_durations_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        age_of(bad)


async def test_now_may_be_given(cells: Cells, admin: asyncpg.Connection) -> None:
    await scene(cells, admin)
    assert (await purge(cells.pool, SHARMA, Retention(), now=now() + timedelta(days=366))).marks == 2
