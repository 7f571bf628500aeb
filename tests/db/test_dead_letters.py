"""What failed for good is kept once, with its reason, and can be taken up again."""

import asyncio

import asyncpg
import pytest

from munshi.contracts.ids import MessageID
from munshi.db.dead_letters import Burial, DeadLetters, Graveyard, Mark, Replay
from munshi.db.outbox import Claim, Claimed, ClaimRules, Outbox, SendResult
from munshi.db.turns import Committed, Fenced, Seen

from .conftest import SHARMA, VERMA, Cells, Database
from .scenes import message, now, take, talk


@pytest.fixture
async def letters(db: Database, cells: Cells) -> DeadLetters:
    """As the operator's hand."""
    assert cells
    return DeadLetters(await db.open(db.admin_url, size=2))


def burial(message_id: str = "wamid.A", **changes: object) -> Burial:
    """A message that no turn could be made of."""
    given = {
        "tenant": SHARMA,
        "source": "turn",
        "key": message_id,
        "reason": "defect",
        "payload": {"id": message_id},
        "message_id": MessageID(message_id),
        "mark": Mark("text", now()),
        **changes,
    }
    return Burial(**given)  # type: ignore[arg-type]


async def test_failed_tries_are_counted_across_restarts(cells: Cells) -> None:
    graveyard = Graveyard(cells.pool)
    done = await asyncio.gather(
        *(graveyard.note_attempt(SHARMA, MessageID("wamid.A"), "ValueError") for _ in range(5))
    )
    assert sorted(done) == [1, 2, 3, 4, 5]
    assert await graveyard.note_attempt(VERMA, MessageID("wamid.A"), "ValueError") == 1


async def test_a_letter_is_kept_once_and_marks_its_message(cells: Cells, letters: DeadLetters) -> None:
    graveyard = Graveyard(cells.pool)
    one = await talk(cells.pool, SHARMA)
    first = await graveyard.bury(burial(lane=one.lane, fence=one.fence, detail="KeyError"))
    assert await graveyard.bury(burial(lane=one.lane, fence=one.fence)) == first
    (kept,) = await letters.list()
    assert (kept.id, kept.tenant, kept.source, kept.reason) == (first, SHARMA, "turn", "defect")
    assert kept.payload is None
    assert await one.commit(await one.turn(message("wamid.A"))) == Seen((MessageID("wamid.A"),))


async def test_only_the_owner_of_the_lane_gives_a_message_up(cells: Cells, letters: DeadLetters) -> None:
    held = await take(cells.pool)
    await take(cells.pool)
    assert await Graveyard(cells.pool).bury(burial(lane=held.lane, fence=held.fence)) == Fenced()
    assert list(await letters.list()) == []


async def test_a_message_taken_up_again_can_have_its_turn(cells: Cells, letters: DeadLetters) -> None:
    graveyard = Graveyard(cells.pool)
    one = await talk(cells.pool, SHARMA)
    await graveyard.note_attempt(SHARMA, MessageID("wamid.A"), "KeyError")
    letter = await graveyard.bury(burial())
    assert isinstance(letter, int)
    replay = await letters.replay(letter)
    assert replay == Replay(SHARMA, letter, "turn", "defect", {"id": "wamid.A"}, MessageID("wamid.A"), False)
    assert await letters.replay(letter) is None, "only once"
    assert isinstance(await one.commit(await one.turn(message("wamid.A"))), Committed)
    assert await graveyard.note_attempt(SHARMA, MessageID("wamid.A"), "KeyError") == 1


async def test_a_message_that_had_its_turn_is_not_opened_by_a_replay(
    cells: Cells, letters: DeadLetters
) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A")
    letter = await Graveyard(cells.pool).bury(burial())
    assert isinstance(letter, int)
    assert await letters.replay(letter) is not None
    assert await one.commit(await one.turn(message("wamid.A"))) == Seen((MessageID("wamid.A"),))


async def test_a_send_taken_up_again_goes_out_in_its_place(cells: Cells, letters: DeadLetters) -> None:
    one = await talk(cells.pool, SHARMA)
    last = await one.queue("a", "b")
    outbox = Outbox(cells.pool)

    async def claim() -> Claimed:
        done = await outbox.claim(SHARMA, one.lane, one.fence, last.conversation_id, ClaimRules())
        assert isinstance(done, Claim)
        assert isinstance(done.outcome, Claimed), done
        return done.outcome

    row = await claim()
    late = SendResult(SHARMA, row.id, row.attempt, one.fence, "sent", wamid=MessageID("wamid.late"))
    await outbox.settle([SendResult(SHARMA, row.id, row.attempt, one.fence, "dead", reason="bad_request")])
    (letter,) = await letters.list(SHARMA)
    shown = await letters.show(letter.id)
    assert shown is not None
    assert shown.payload["body"]["text"]["body"] == "a"
    replay = await letters.replay(letter.id)
    assert replay is not None
    assert replay.requeued
    assert await outbox.settle([late]) == [None], "of a send that was given up"
    again = await claim()
    assert (again.id, again.body["text"]["body"]) == (row.id, "a")
    await outbox.settle([SendResult(SHARMA, row.id, again.attempt, one.fence, "dead", reason="bad_request")])
    assert [each.id for each in await letters.list(SHARMA)] == [letter.id], "the same letter, open again"


async def test_a_dropped_letter_is_closed(cells: Cells, letters: DeadLetters) -> None:
    graveyard = Graveyard(cells.pool)
    first = await graveyard.bury(burial("wamid.A"))
    second = await graveyard.bury(burial("wamid.B", tenant=VERMA))
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert [each.id for each in await letters.list()] == [second, first]
    assert [each.id for each in await letters.list(VERMA)] == [second]
    assert await letters.drop(first)
    assert not await letters.drop(first)
    assert await letters.replay(first) is None
    assert [each.id for each in await letters.list()] == [second]
    assert [each.id for each in await letters.list(closed=True)] == [second, first]
    assert await letters.show(10**9) is None
    assert await letters.replay(10**9) is None


async def test_letters_of_ingress_need_no_lane(cells: Cells, letters: DeadLetters) -> None:
    letter = Burial(SHARMA, "ingress", "ab" * 32, "malformed_json", {"body": "{"}, "line 1")
    assert isinstance(await Graveyard(cells.pool).bury(letter), int)
    (kept,) = await letters.list()
    assert (kept.source, kept.detail, kept.message_id) == ("ingress", "line 1", None)


async def test_a_cell_may_not_replay(cells: Cells) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await cells.pool.execute("SELECT replay_dead_letter($1, 1)", SHARMA)
