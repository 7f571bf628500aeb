"""Statuses in any order, any number of times, before or after the answer: the end is the same."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from munshi.contracts.ids import MessageID, OutboxID
from munshi.db.outbox import Claim, Claimed, ClaimRules, Outbox, Pricing, SendResult, Status
from munshi.db.turns import PairLimit

from .conftest import SHARMA, VERMA, Cells
from .scenes import Talk, identity, now, talk

ROOM = ClaimRules(PairLimit(burst=100_000))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = {
    name: NOON + timedelta(seconds=number)
    for number, name in enumerate(("sent", "delivered", "read", "played", "failed"))
}
FURTHEST = {"sent": 1, "failed": 2, "delivered": 3, "read": 4, "played": 4}
"""What was read was not lost, whatever else is said of it; what failed was sent, but never came."""


async def sending(one: Talk) -> Claimed:
    """A row that is just being sent."""
    last = await one.queue("a")
    done = await Outbox(one.pool).claim(one.tenant, one.lane, one.fence, last.conversation_id, ROOM)
    assert isinstance(done, Claim)
    assert isinstance(done.outcome, Claimed)
    return done.outcome


def status(row: OutboxID, name: str, *, by_id: bool = True, **changes: object) -> Status:
    """A status of this row."""
    code = 131026 if name == "failed" else None
    return Status(
        SHARMA,
        MessageID(f"wamid.{row}"),
        name,
        AT[name],
        row if by_id else None,
        code,
        **changes,  # type: ignore[arg-type]
    )


def expected(names: Sequence[str]) -> str:
    """Where a row must end that had these statuses, of a model that knows nothing of SQL."""
    best = max(names, key=lambda name: FURTHEST[name])
    return "read" if best == "played" else best


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(sorted(AT)), min_size=1, max_size=7),
    answer=st.integers(-1, 7),
    batched=st.booleans(),
)
async def test_any_order_ends_alike(
    cells: Cells, admin: asyncpg.Connection, names: list[str], answer: int, batched: bool
) -> None:
    """`answer`: before which status the HTTP answer is settled; -1: it was lost."""
    one = await talk(cells.pool, SHARMA)
    row = await sending(one)
    outbox = Outbox(cells.pool)
    sent = SendResult(SHARMA, row.id, row.attempt, one.fence, "sent", wamid=MessageID(f"wamid.{row.id}"))
    statuses = [status(row.id, name) for name in names]
    states: list[str | None] = []
    if batched:
        if answer >= 0:
            await outbox.settle([sent])
        states.extend(done.state if done else None for done in await outbox.apply_statuses(statuses))
    else:
        for number, each in enumerate(statuses):
            if number == answer:
                await outbox.settle([sent])
            states.extend(done.state if done else None for done in await outbox.apply_statuses([each]))
    rank = [FURTHEST[state or ""] for state in states]
    assert rank == sorted(rank), "a state went backwards"

    found = await admin.fetchrow("SELECT * FROM outbox WHERE id = $1", row.id)
    assert found is not None
    assert found["state"] == expected(names)
    assert found["wamid"] == f"wamid.{row.id}"
    assert found["delivered_at"] == (AT["delivered"] if "delivered" in names else None)
    assert found["failed_at"] == (AT["failed"] if "failed" in names else None)
    assert (found["read_at"] is not None) == bool({"read", "played"} & set(names))
    assert found["error_code"] == (131026 if "failed" in names else None)


async def test_a_status_is_found_by_its_wamid_alone(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    row = await sending(one)
    outbox = Outbox(cells.pool)
    assert await outbox.apply_statuses([status(row.id, "read", by_id=False)]) == [None], "nobody knows it yet"
    await outbox.settle(
        [SendResult(SHARMA, row.id, 1, one.fence, "sent", wamid=MessageID(f"wamid.{row.id}"))]
    )
    (done,) = await outbox.apply_statuses([status(row.id, "read", by_id=False)])
    assert done is not None
    assert (done.state, done.moved, done.settled) == ("read", True, False)


async def test_another_tenants_callback_data_moves_nothing(cells: Cells, admin: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    row = await sending(one)
    foreign = Status(VERMA, MessageID("wamid.x"), "read", now(), row.id)
    assert await Outbox(cells.pool).apply_statuses([foreign]) == [None]
    assert await admin.fetchval("SELECT state FROM outbox") == "sending"


async def test_unknown_statuses_and_unknown_rows_do_nothing(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    row = await sending(one)
    statuses = [
        Status(SHARMA, MessageID("wamid.1"), "warped", now(), row.id),
        Status(SHARMA, MessageID("wamid.2"), "read", now(), OutboxID(10**15)),
        Status(SHARMA, MessageID("wamid.3"), "read", now()),
    ]
    assert await Outbox(cells.pool).apply_statuses(statuses) == [None, None, None]


async def test_a_batch_answers_in_the_order_given(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    rows = [
        await sending(Talk(cells.pool, SHARMA, one.lane, one.fence, who=(identity(str(n)),)))
        for n in range(5)
    ]
    statuses = [status(row.id, "delivered") for row in (rows[3], rows[0], rows[4], rows[1], rows[2])]
    done = await Outbox(cells.pool).apply_statuses(statuses)
    assert [each and each.id for each in done] == [each.id for each in statuses]


async def test_each_message_and_category_is_charged_once(cells: Cells, admin: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    row = await sending(one)
    outbox = Outbox(cells.pool)
    service = Pricing("service", "PMP", "free_customer_service", billable=False)
    await outbox.apply_statuses([status(row.id, "sent", pricing=service)])
    await outbox.apply_statuses([status(row.id, "delivered", pricing=service)])
    await outbox.apply_statuses(
        [
            status(
                row.id,
                "delivered",
                pricing=Pricing("utility", "PMP", "regular", billable=True, price="0.115"),
            )
        ]
    )
    rows = await admin.fetch(
        "SELECT category, billable, type, price, outbox_id FROM message_costs ORDER BY category"
    )
    assert [tuple(each) for each in rows] == [
        ("service", False, "free_customer_service", None, row.id),
        ("utility", True, "regular", Decimal("0.115000"), row.id),
    ]


async def test_a_cost_is_kept_even_where_its_row_is_gone(cells: Cells, admin: asyncpg.Connection) -> None:
    lost = Status(SHARMA, MessageID("wamid.gone"), "sent", now(), pricing=Pricing("service"))
    assert await Outbox(cells.pool).apply_statuses([lost]) == [None]
    assert await admin.fetchval("SELECT wamid FROM message_costs") == "wamid.gone"


async def test_a_failure_that_says_so_opts_the_person_out(cells: Cells, admin: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    row = await sending(one)
    await Outbox(cells.pool).apply_statuses([status(row.id, "failed", opt_out=True)])
    assert await admin.fetchval("SELECT opted_out_at IS NOT NULL FROM conversations")
