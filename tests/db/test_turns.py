"""A turn is written whole or not at all, once, by the owner of its lane, on what it saw."""

from decimal import Decimal

import asyncpg

from munshi.db.ledger import LedgerBooks
from munshi.db.turns import Committed, Turns

from .conftest import SHARMA, Cells
from .scenes import NUMBER, entry, message, talk, text


async def test_a_turn_writes_marks_effects_state_and_replies(cells: Cells, admin: asyncpg.Connection) -> None:
    ramesh = await talk(cells.pool, SHARMA)
    first = await ramesh.turn(
        message("wamid.A"), effects=(entry("wamid.A#1"),), state={"step": 1}, replies=(text("likh liya"),)
    )
    done = await ramesh.commit(first)
    assert isinstance(done, Committed)
    assert [row.claimed for row in done.outbox] == [False]

    loaded = await Turns(cells.pool).load(SHARMA, NUMBER, ramesh.who, [m.id for m in first.messages])
    assert loaded.conversation is not None
    assert (loaded.conversation.id, loaded.conversation.version) == (done.conversation_id, done.version)
    assert loaded.conversation.state == {"step": 1}
    assert loaded.conversation.pending_outbox == 1
    assert loaded.seen == ("wamid.A",)
    assert loaded.transactions_this_month == 1

    books = LedgerBooks(cells.pool, SHARMA, done.user_id)
    (customer,) = await books.customers()
    assert customer.name == "Ramesh"
    (owed,) = await books.balance(customer.id)
    assert owed.amount == Decimal(500)
    assert await admin.fetchval("SELECT body->'text'->>'body' FROM outbox") == "likh liya"
