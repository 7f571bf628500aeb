"""Sending: in order, within limits, each message once, whatever is lost on the way."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from munshi.contracts.ids import MessageID
from munshi.contracts.tenant import POOL
from munshi.db.connection import Pool
from munshi.db.lanes import Lanes, PendingConversation
from munshi.db.outbox import Claim, Claimed, ClaimRules, Empty, Outbox, SendResult, Status, Wait
from munshi.db.turns import Fenced, NewReply, PairLimit

from .conftest import SHARMA, VERMA, Cells
from .scenes import NUMBER, OTHER_NUMBER, Talk, identity, now, take, talk, text

RULES = ClaimRules()
AT_ONCE = ClaimRules(settle_after_seconds=0)


async def claim(one: Talk, rules: ClaimRules = RULES) -> Claim:
    """The next row of the conversation."""
    assert one.last is not None
    done = await Outbox(one.pool).claim(one.tenant, one.lane, one.fence, one.last.conversation_id, rules)
    assert isinstance(done, Claim), done
    return done


async def claimed(one: Talk, rules: ClaimRules = RULES) -> Claimed:
    """The next row, which must be free."""
    outcome = (await claim(one, rules)).outcome
    assert isinstance(outcome, Claimed), outcome
    return outcome


async def waits(one: Talk, rules: ClaimRules = RULES) -> Wait:
    """Why the next row is not free."""
    outcome = (await claim(one, rules)).outcome
    assert isinstance(outcome, Wait), outcome
    return outcome


def result(one: Talk, row: Claimed, outcome: Any, **changes: Any) -> SendResult:
    """What became of a send."""
    return SendResult(one.tenant, row.id, row.attempt, one.fence, outcome, **changes)


async def settle(one: Talk, row: Claimed, outcome: Any, **changes: Any) -> str | None:
    """Settles one send."""
    if outcome == "sent":
        changes = {"wamid": MessageID(f"wamid.out{row.id}"), **changes}
    (state,) = await Outbox(one.pool).settle([result(one, row, outcome, **changes)])
    return state


async def change(pool: Pool, query: str) -> None:
    """Changes rows of SHARMA as its role: lets time pass."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('munshi.tenant', $1, true)", SHARMA)
        await connection.execute(query)


async def test_rows_go_one_by_one_in_their_order(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    await one.queue("c")
    said = []
    for _ in range(3):
        row = await claimed(one)
        assert await waits(one) == Wait("in_flight", None)
        said.append(row.body["text"]["body"])
        assert await settle(one, row, "sent") == "sent"
    assert said == ["a", "b", "c"]
    assert (await claim(one)).outcome == Empty()


async def test_a_claim_tells_how_to_reach_the_person(cells: Cells) -> None:
    phone, bsuid = identity("919820000001"), identity("IN.abc", "bsuid")
    one = await talk(cells.pool, SHARMA, who=(phone,))
    await one.queue("a")
    one.who = (phone, bsuid)
    await one.queue("b")
    row = await claimed(one)
    assert [(known.kind, known.sealed) for known in row.identities] == [
        ("bsuid", bsuid.sealed),
        ("phone", phone.sealed),
    ]
    assert (row.phone_number_id, row.attempt) == (NUMBER, 1)


async def test_twelve_claims_at_once_give_one_row(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    done = await asyncio.gather(*(claim(one) for _ in range(12)))
    assert sum(isinstance(each.outcome, Claimed) for each in done) == 1


async def test_conversations_do_not_wait_for_each_other(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, SHARMA, one.lane, one.fence, who=(identity("2"),))
    await one.queue("a")
    await other.queue("b")
    row = await claimed(one)
    await settle(one, row, "retry", retry_in=3600.0)
    assert (await waits(one)).reason == "back_off"
    assert (await claimed(other)).body["text"]["body"] == "b"


async def test_only_the_owner_of_the_lane_claims(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    newer = await take(cells.pool)
    assert one.last is not None
    outbox = Outbox(cells.pool)
    assert await outbox.claim(SHARMA, one.lane, one.fence, one.last.conversation_id, RULES) == Fenced()
    one.fence = newer.fence
    assert (await claimed(one)).attempt == 1


async def test_a_retry_waits_for_its_time_and_counts(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    row = await claimed(one)
    assert await settle(one, row, "retry", retry_in=3600.0, error_code=131000) == "queued"
    held = await waits(one)
    assert held.reason == "back_off"
    assert held.seconds == pytest.approx(3600, abs=5)
    # told again, for at once
    assert await settle(one, row, "retry", retry_in=0.0) == "queued"
    again = await claimed(one)
    assert (again.id, again.attempt) == (row.id, 2)
    assert await settle(one, row, "failed") is None, "of an attempt that is over"
    assert await settle(one, again, "sent") == "sent"
    assert (await claimed(one)).body["text"]["body"] == "b"


async def test_a_row_given_up_frees_the_next(cells: Cells, admin: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b", "c")
    assert await settle(one, await claimed(one), "failed", error_code=131026) == "failed"
    dead = await claimed(one)
    assert await settle(one, dead, "dead", error_code=100, error_detail="bad", reason="bad_request") == "dead"
    assert (await claimed(one)).body["text"]["body"] == "c"
    letter = await admin.fetchrow("SELECT source, key, reason, payload->>'body' AS body FROM dead_letters")
    assert letter is not None
    assert (letter["source"], letter["key"], letter["reason"]) == ("send", str(dead.id), "bad_request")
    assert '"b"' in letter["body"]


async def test_a_lost_answer_holds_the_conversation_until_its_time(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    row = await claimed(one)
    assert await settle(one, row, "unsettled") == "unsettled"
    held = await waits(one, ClaimRules(settle_after_seconds=300))
    assert held.reason == "unsettled"
    assert held.until is not None
    assert timedelta(seconds=290) < held.until - now() < timedelta(seconds=301)
    again = await claimed(one, AT_ONCE)
    assert (again.id, again.attempt) == (row.id, 2)


async def test_a_status_settles_a_send_whose_answer_was_lost(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    row = await claimed(one)
    await settle(one, row, "unsettled")
    (done,) = await Outbox(cells.pool).apply_statuses(
        [Status(SHARMA, MessageID("wamid.late"), "sent", now(), row.id)]
    )
    assert done is not None
    assert (done.id, done.state, done.moved, done.settled) == (row.id, "sent", True, True)
    assert (await claimed(one, AT_ONCE)).body["text"]["body"] == "b"


async def test_a_status_that_overtakes_the_answer_counts_once(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    row = await claimed(one)
    wamid = MessageID(f"wamid.out{row.id}")
    await Outbox(cells.pool).apply_statuses([Status(SHARMA, wamid, "delivered", now(), row.id)])
    assert await settle(one, row, "sent") is None, "its status was quicker"
    assert await admin.fetchval("SELECT state FROM outbox") == "delivered"
    assert await admin.fetchval("SELECT wamid FROM outbox") == wamid


async def test_what_was_being_sent_when_the_owner_died_waits_for_its_status(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    row = await claimed(one)
    old = one.fence
    one.fence = (await take(cells.pool)).fence
    assert one.last is not None
    lanes = Lanes(cells.pool, POOL, "w1")
    assert await lanes.pending(one.lane, one.fence) == (
        PendingConversation(SHARMA, one.last.conversation_id),
    )
    assert await lanes.pending(one.lane, old) == Fenced()
    assert (await waits(one)).reason == "unsettled"
    # the old owner was only slow, and tells what it knows: no second message goes out
    (state,) = await Outbox(cells.pool).settle(
        [SendResult(SHARMA, row.id, row.attempt, old, "sent", wamid=MessageID("wamid.1"))]
    )
    assert state == "sent"
    assert (await claimed(one, AT_ONCE)).body["text"]["body"] == "b"


async def test_without_taking_stock_first_a_claim_leaves_the_old_owners_send_alone(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    await claimed(one)
    one.fence = (await take(cells.pool)).fence
    assert (await waits(one)).reason == "unsettled"


async def test_a_late_answer_is_believed_while_the_row_waits_for_another_try(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    row = await claimed(one)
    await settle(one, row, "retry", retry_in=3600.0)
    assert await settle(one, row, "sent") == "sent"
    assert (await claim(one)).outcome == Empty()


@pytest.mark.parametrize("why", ["window", "opt_out"])
async def test_window_and_opt_out_are_looked_at_when_sending(
    cells: Cells, admin: asyncpg.Connection, why: str
) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say(
        "wamid.A",
        replies=(
            text("a"),
            text("b"),
            NewReply({"type": "template"}, past_opt_out=True),
        ),
    )
    if why == "window":
        await change(cells.pool, "UPDATE conversations SET window_expires_at = now() - interval '1 second'")
    else:
        await one.say("wamid.B", opted_out=True)
    done = await claim(one)
    assert [row.reason for row in done.closed] == [why, why]
    assert isinstance(done.outcome, Claimed)
    assert done.outcome.body == {"type": "template"}
    states = await admin.fetch("SELECT state, error_code FROM outbox ORDER BY id")
    code = {"window": 131047, "opt_out": 131050}[why]
    assert [tuple(row) for row in states] == [("failed", code), ("failed", code), ("sending", None)]


async def test_who_comes_back_is_written_to_again(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", opted_out=True)
    await one.say("wamid.B", opted_out=False, replies=(text("welcome back"),))
    assert (await claimed(one)).body["text"]["body"] == "welcome back"


async def test_an_error_that_says_so_opts_the_person_out(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.queue("a", "b")
    await settle(one, await claimed(one), "failed", error_code=131050, opt_out=True)
    assert [row.reason for row in (await claim(one)).closed] == ["opt_out"]


async def test_the_pair_limit_lets_a_burst_through_and_then_one_an_interval(cells: Cells) -> None:
    rules = ClaimRules(PairLimit(interval_seconds=600, burst=3))
    one = await talk(cells.pool, SHARMA)
    await one.queue(*"abcde")
    for _ in range(3):
        await settle(one, await claimed(one, rules), "sent")
    held = await waits(one, rules)
    assert held.reason == "pair"
    assert held.until is not None
    assert timedelta(seconds=590) < held.until - now() <= timedelta(seconds=600)
    # an interval later there is room for one more: the clock of the pair is set back by as much
    await change(cells.pool, "UPDATE conversations SET pair_tat = pair_tat - interval '600 seconds'")
    await settle(one, await claimed(one, rules), "sent")
    assert (await waits(one, rules)).reason == "pair"


async def test_the_pair_limit_is_each_pairs_own(cells: Cells) -> None:
    rules = ClaimRules(PairLimit(interval_seconds=600, burst=1))
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, SHARMA, one.lane, one.fence, number=OTHER_NUMBER)
    for each in (one, other):
        await each.queue("a", "b")
        await settle(each, await claimed(each, rules), "sent")
        assert (await waits(each, rules)).reason == "pair"


async def test_a_paused_number_keeps_everything_until_it_is_resumed(cells: Cells) -> None:
    outbox = Outbox(cells.pool)
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, SHARMA, one.lane, one.fence, number=OTHER_NUMBER)
    await one.queue("a")
    await other.queue("b")
    await outbox.pause_number(SHARMA, NUMBER, "credentials")
    assert await waits(one) == Wait("paused", None)
    assert (await claimed(other)).body["text"]["body"] == "b"
    assert await outbox.resume_numbers(VERMA) == []
    assert await outbox.resume_numbers(SHARMA, reason="policy") == []
    assert await outbox.resume_numbers(SHARMA, reason="credentials") == [NUMBER]
    assert await outbox.resume_numbers(SHARMA) == []
    assert (await claimed(one)).body["text"]["body"] == "a"


async def test_a_pause_with_an_end_ends_by_itself(cells: Cells) -> None:
    outbox = Outbox(cells.pool)
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    until = now() + timedelta(hours=1)
    await outbox.pause_number(SHARMA, NUMBER, "rate", until)
    assert await waits(one) == Wait("paused", until)
    await outbox.pause_number(SHARMA, NUMBER, "rate", now() - timedelta(seconds=1))
    assert (await claimed(one)).attempt == 1


async def test_a_pause_for_a_reason_of_before_the_resume_is_not_made(cells: Cells) -> None:
    """A send with an expired token is answered after the token was renewed."""
    outbox = Outbox(cells.pool)
    one = await talk(cells.pool, SHARMA)
    await one.queue("a")
    await outbox.reserve_number(SHARMA, NUMBER, 1, 80)
    begun = now()
    assert await outbox.resume_numbers(SHARMA, reason="credentials") == []
    await outbox.pause_number(SHARMA, NUMBER, "credentials", since=begun)
    assert (await claimed(one)).attempt == 1
    await outbox.pause_number(SHARMA, NUMBER, "credentials", since=now())
    await one.queue("b")
    assert await outbox.resume_numbers(SHARMA, reason="credentials") == [NUMBER]


async def test_reserved_blocks_of_a_number_never_overlap(cells: Cells) -> None:
    outbox = Outbox(cells.pool)
    sizes = [5, 1, 10, 3, 7, 2] * 3
    rate = 0.8  # so slow that the last is still ahead when the machine lets this test wait
    began = now()
    taken = await asyncio.gather(*(outbox.reserve_number(SHARMA, NUMBER, size, rate) for size in sizes))
    blocks = sorted((block.start, size) for block, size in zip(taken, sizes, strict=True))
    for (start, size), (following, _) in pairwise(blocks):
        assert following >= start + timedelta(seconds=size / rate) - timedelta(microseconds=2)
    assert blocks[0][0] >= began
    assert (await outbox.reserve_number(VERMA, NUMBER, 1, rate)).start < blocks[-1][0], "each tenant's own"


async def test_a_batch_settles_rows_of_many_tenants(cells: Cells) -> None:
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, VERMA, one.lane, one.fence)
    results = []
    for each in (one, other):
        await each.queue("a")
        row = await claimed(each)
        results.append(result(each, row, "sent", wamid=MessageID(f"wamid.{each.tenant}")))
    unknown = SendResult(SHARMA, results[0].id + 1000, 1, one.fence, "sent", wamid=MessageID("wamid.x"))  # type: ignore[arg-type]
    states = await Outbox(cells.pool).settle([results[1], unknown, results[0]])
    assert states == ["sent", None, "sent"]
