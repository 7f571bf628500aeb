"""SQLAlchemy sessions see one tenant, or all for the platform's hand; all of a session is kept or nothing."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from munshi.db.models import Conversation, LedgerCustomer, Memory, OutboxRow, Transaction, User
from munshi.db.session import admin_session, create_engine, tenant_session

from .conftest import APART, SHARMA, VERMA, Cells, Database
from .scenes import Talk, entry, talk, text


@pytest.fixture
async def engines(db: Database, cells: Cells) -> AsyncIterator[tuple[AsyncEngine, AsyncEngine]]:
    """As the pool's cell and as munshi_admin, over a turn of each of two tenants."""
    one = await talk(cells.pool, SHARMA)
    other = Talk(cells.pool, VERMA, one.lane, one.fence)
    await one.say("wamid.A", entry("wamid.A#1", "99.50"), replies=(text("ok"),))
    await other.say("wamid.B", entry("wamid.B#1", "1"))
    made = create_engine(db.cell_url(cells.pool_role), name="test"), create_engine(db.admin_url, name="test")
    yield made
    for engine in made:
        await engine.dispose()


async def test_a_session_reads_its_tenant_by_the_models(engines: tuple[AsyncEngine, AsyncEngine]) -> None:
    async with tenant_session(engines[0], SHARMA) as session:
        (row,) = (await session.scalars(select(Transaction))).all()
        assert (row.tenant, row.ref, row.amount, row.metadata_) == (SHARMA, "wamid.A#1", Decimal("99.50"), {})
        assert (await session.scalars(select(LedgerCustomer.name))).all() == ["Ramesh"]
        reply = (await session.scalars(select(OutboxRow))).one()
        assert (reply.state, reply.answers, reply.body) == (
            "queued",
            ["wamid.A"],
            {"type": "text", "text": {"body": "ok"}},
        )
    async with tenant_session(engines[0], APART) as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 0


async def test_the_tenant_of_one_session_is_not_the_next_ones(
    engines: tuple[AsyncEngine, AsyncEngine],
) -> None:
    async with tenant_session(engines[0], SHARMA) as session:
        assert await session.scalar(select(func.count()).select_from(Conversation)) == 1
    async with admin_session(engines[0]) as session:
        assert await session.scalar(select(func.count()).select_from(Conversation)) == 0


async def test_a_session_is_kept_whole_or_not_at_all(engines: tuple[AsyncEngine, AsyncEngine]) -> None:
    async with tenant_session(engines[0], SHARMA) as session:
        user = (await session.scalars(select(User))).one()
        session.add(Memory(tenant=SHARMA, user_id=user.id, key="shop", value={"open": 9}))
    with pytest.raises(RuntimeError, match="on the way"):
        await _fail_on_the_way(engines[0], user.id)
    async with tenant_session(engines[0], SHARMA) as session:
        assert (await session.scalars(select(Memory.key))).all() == ["shop"]
    with pytest.raises(ProgrammingError, match="row-level security"):
        await _write_for_another(engines[0], user.id)


async def _fail_on_the_way(engine: AsyncEngine, user_id: int) -> None:
    async with tenant_session(engine, SHARMA) as session:
        session.add(Memory(tenant=SHARMA, user_id=user_id, key="lost", value={}))
        await session.flush()
        raise RuntimeError("on the way")


async def _write_for_another(engine: AsyncEngine, user_id: int) -> None:
    async with tenant_session(engine, SHARMA) as session:
        session.add(Memory(tenant=VERMA, user_id=user_id, key="foreign", value={}))


async def test_the_platforms_hand_sees_all_and_may_not_touch_the_books(
    engines: tuple[AsyncEngine, AsyncEngine],
) -> None:
    async with admin_session(engines[1]) as session:
        rows = (await session.scalars(select(Transaction).order_by(Transaction.tenant))).all()
        assert [row.tenant for row in rows] == [SHARMA, VERMA]
    with pytest.raises(ProgrammingError, match="permission denied"):
        await _delete_an_entry(engines[1])


async def _delete_an_entry(engine: AsyncEngine) -> None:
    async with admin_session(engine) as session:
        await session.delete((await session.scalars(select(Transaction).limit(1))).one())
