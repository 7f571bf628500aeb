"""Hot functions find their rows by index, in tables where anything else would be slow."""

from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from munshi.contracts.assistant import EraseFile
from munshi.contracts.ids import MessageID
from munshi.contracts.media import DocumentFields
from munshi.contracts.tenant import POOL, Retention
from munshi.db.dead_letters import Burial, Graveyard
from munshi.db.erasures import Erasures
from munshi.db.lanes import Lanes
from munshi.db.ledger import LedgerBooks
from munshi.db.memory import Memories, Vector
from munshi.db.model_calls import ModelCalls
from munshi.db.outbox import Claim, Claimed, ClaimRules, Outbox, Pricing, SendResult, Status
from munshi.db.retention import purge
from munshi.db.turns import Turns

from .conftest import SHARMA, Cells, Database
from .scenes import NUMBER, Talk, entry, identity, now, take, talk, text
from .test_attachments import picture

TINY = {"cells", "workers", "lanes", "tenants"}
"""A handful of rows: reading them whole is the right plan."""

MANY = 5_000

_FILL = """
INSERT INTO users (tenant, name) SELECT t, 'x' FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO user_identities (tenant, kind, hash, sealed, user_id)
    SELECT tenant, 'phone', decode(md5(id::text), 'hex'), 'x', id FROM users;
INSERT INTO conversations (tenant, phone_number_id, user_id) SELECT tenant, '1', id FROM users;
INSERT INTO inbound_messages (tenant, message_id, conversation_id, type, body, disposition, received_at)
    SELECT tenant, 'wamid.old' || id, id, 'text', '{}', 'turn', now() FROM conversations;
INSERT INTO ledger_customers (tenant, user_id, name, name_key)
    SELECT tenant, id, 'n' || n, 'n' || n FROM users, generate_series(1, 3) n;
INSERT INTO transactions (tenant, user_id, ref, message_id, customer_id, description, amount, currency,
                          category, source, occurred_on)
    SELECT tenant, user_id, 'wamid.old' || id || '#1', 'wamid.old' || id, id, 'x', 1, 'INR', 'credit',
        'text', now()
    FROM ledger_customers;
INSERT INTO transaction_messages (tenant, message_id, transaction_id)
    SELECT tenant, 'wamid.x' || id, id FROM transactions;
INSERT INTO outbox (tenant, conversation_id, user_id, phone_number_id, lane, body, state, wamid, created_at)
    SELECT tenant, id, user_id, '1', 'pool/000', '{}', 'read', 'wamid.out' || id || '.' || n, now()
    FROM conversations, generate_series(1, 3) n;
INSERT INTO message_costs (tenant, wamid, category, at) SELECT tenant, wamid, 'service', now() FROM outbox;
INSERT INTO numbers (tenant, phone_number_id) SELECT t, n FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO memory (tenant, user_id, key, value) SELECT tenant, id, 'k', '{}' FROM users;
INSERT INTO usage (tenant, month, shard) SELECT t, '2000-01-01'::date + n, 0
    FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO dead_letters (tenant, source, key, reason, payload)
    SELECT t, 'turn', n, 'x', '{}' FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO turn_attempts (tenant, message_id)
    SELECT t, n FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO transaction_history (tenant, user_id, transaction_id, ref, action, before, reason)
    SELECT tenant, user_id, id, ref, 'amend', '{}', 'x' FROM transactions;
INSERT INTO training_samples (tenant, created_at, text, intent, confidence, language, script, outcome)
    SELECT t, now(), 'undo', 'undo', 1, 'en', 'Latn', 'kept'
    FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO attachments (tenant, message_id, kind, sha256, mime_type, size, invoice_no)
    SELECT t, 'wamid.a' || n, 'image', 'sha' || n, 'image/jpeg', 1, n
    FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO announcements (tenant, message_id)
    SELECT t, 'wamid.a' || n FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO erasures (tenant, message_id, done_at)
    SELECT t, 'wamid.a' || n, now() FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO model_calls (tenant, month, purpose, model, outcome, estimate)
    SELECT t, '2026-11-01', 'x', 'small', 'done', 0 FROM generate_series(1, $1) n, unnest($2::text[]) t;
INSERT INTO model_spend (tenant, month)
    SELECT t, date '1900-01-01' + n FROM generate_series(1, $1) n, unnest($2::text[]) t;
UPDATE tenants SET books = books || '{"keep_training_material": true}';
"""


@pytest.fixture
async def full(db: Database, cells: Cells) -> Cells:
    """Tables with thousands of rows of two tenants, and statistics of them that stay as they are."""
    superuser = await asyncpg.connect(db.superuser_url)
    for (table,) in await superuser.fetch("SELECT relname FROM pg_stat_user_tables"):
        await superuser.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    for query in _FILL.split(";\n"):
        if query.strip():
            tenants = "ARRAY['shops_sharma', 'shops_verma']"
            await superuser.execute(query.replace("$1", str(MANY)).replace("$2::text[]", tenants))
    await superuser.execute("ANALYZE")
    await superuser.close()
    return cells


async def reads(superuser: asyncpg.Connection) -> dict[str, tuple[int, int]]:
    """Whole readings and rows read, a table, by all connections so far."""
    await superuser.execute("SELECT pg_stat_clear_snapshot()")
    rows = await superuser.fetch(
        "SELECT relname, seq_scan, seq_tup_read + coalesce(idx_tup_fetch, 0) AS rows FROM pg_stat_user_tables"
    )
    return {row["relname"]: (row["seq_scan"], row["rows"]) for row in rows}


async def work(cells: Cells) -> int:
    """Each hot call more often than a plan is tried before it is kept; gives back how many calls that was."""
    outbox, graveyard = Outbox(cells.pool), Graveyard(cells.pool)
    held = await take(cells.pool)
    rounds = 8
    for number in range(rounds):
        one = Talk(
            cells.pool,
            SHARMA,
            held.lane,
            held.fence,
            who=(identity(f"p{number}"), identity("b", "bsuid"))[:1],
        )
        await one.say(f"wamid.{number}.A", entry(f"wamid.{number}.A#1"), replies=(text("a"), text("b")))
        await one.say(f"wamid.{number}.B", entry(f"wamid.{number}.B#1"))
        assert one.last is not None
        await Turns(cells.pool).link(SHARMA, held.lane, one.who)
        done = await outbox.claim(SHARMA, held.lane, held.fence, one.last.conversation_id, ClaimRules())
        assert isinstance(done, Claim)
        assert isinstance(done.outcome, Claimed)
        row = done.outcome
        wamid = MessageID(f"wamid.new{number}")
        await outbox.settle([SendResult(SHARMA, row.id, 1, held.fence, "sent", wamid=wamid)])
        await outbox.apply_statuses(
            [Status(SHARMA, wamid, "read", now(), row.id, pricing=Pricing("service"))]
        )
        await outbox.reserve_number(SHARMA, NUMBER, 1, 80)
        await outbox.pause_number(SHARMA, NUMBER, "x", now() - timedelta(seconds=1))
        books = LedgerBooks(cells.pool, SHARMA, one.last.user_id)
        (ramesh,) = await books.customers()
        await books.balance(ramesh.id)
        await books.debtors(5)
        await books.totals(now().date(), now().date())
        await books.last_entry()
        await books.same_receipt("sha7", DocumentFields(invoice_no="7", vendor="x", total=Decimal(1)))
        assert await books.entries_of_message(wamid) is not None
        assert await books.origin(f"wamid.{number}.B#1") is not None
        await one.say(f"wamid.{number}.C", picture(f"wamid.{number}.C"), replies=(text("read"),))
        await one.say(f"wamid.{number}.D", EraseFile(message_id=MessageID(f"wamid.{number}.C")))
        for due in await Erasures(cells.pool).take(10):
            await Erasures(cells.pool).end(due)
        await graveyard.note_attempt(SHARMA, MessageID(f"wamid.{number}"), "x")
        await graveyard.bury(Burial(SHARMA, "turn", f"wamid.{number}", "x", {}))
        call = await ModelCalls(cells.pool).begin(SHARMA, "x", "small", Decimal(1), Decimal(1000))
        assert call is not None
        await ModelCalls(cells.pool).end(SHARMA, call, 1, 1, Decimal(1), "done")
        vector = Vector("x", [1.0] + 127 * [0.0])
        await Memories(cells.pool, SHARMA).like(vector, person=one.last.user_id)
        await Lanes(cells.pool, POOL, "w1").pending(held.lane, held.fence)
        await purge(cells.pool, SHARMA, Retention(), batches=1)
    return rounds


async def test_no_hot_call_reads_a_table_whole(full: Cells, db: Database) -> None:
    superuser = await asyncpg.connect(db.superuser_url)
    before = await reads(superuser)
    rounds = await work(full)
    await full.pool.close()  # counters are told by each connection when it ends
    after = await reads(superuser)
    whole = {name for name in after if after[name][0] > before[name][0]} - TINY
    assert whole == set()
    # and no index is read from end to end either
    for name, (_, rows) in after.items():
        if name not in TINY:
            assert rows - before[name][1] < rounds * 400, name
    await superuser.close()


async def test_a_talk_of_many_messages_is_no_slower(full: Cells, db: Database) -> None:
    """What a claim and a commit read does not grow with what a conversation has been through."""
    one = await talk(full.pool, SHARMA)
    done = await one.queue("a")
    superuser = await asyncpg.connect(db.superuser_url)
    await superuser.execute(
        "INSERT INTO outbox (tenant, conversation_id, user_id, phone_number_id, lane, body, state, wamid)"
        " SELECT tenant, conversation_id, user_id, phone_number_id, lane, body, 'read', 'wamid.past' || n"
        " FROM outbox, generate_series(1, 5000) n WHERE id = $1",
        done.outbox[0].id,
    )
    await superuser.execute("ANALYZE outbox")
    before = await reads(superuser)
    outbox = Outbox(full.pool)
    for _ in range(8):
        await outbox.claim(SHARMA, one.lane, one.fence, done.conversation_id, ClaimRules())
        await one.queue("b")
    await full.pool.close()
    after = await reads(superuser)
    assert after["outbox"][0] == before["outbox"][0]
    assert after["outbox"][1] - before["outbox"][1] < 500
    await superuser.close()
