"""The pool: as many connections as were asked for, none lost, broken or left in a transaction."""

import asyncio
import contextlib

import asyncpg
import pytest

from munshi.db.connection import Pool, open_pool
from munshi.db.errors import translated
from munshi.errors import Retryable
from rig.servers import Servers
from rig.waiting import eventually

from .conftest import Database

PID = "SELECT pg_backend_pid()"


async def connections(db: Database, name: str) -> int:
    """How many the server has of an application."""
    server = await asyncpg.connect(db.superuser_url)
    try:
        return int(
            await server.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name)
        )
    finally:
        await server.close()


async def still_works(pool: Pool, size: int) -> None:
    """All of its connections can be had at once, each in no transaction."""
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(
                pool.fetchval("SELECT $1::integer + 0 * length(pg_sleep(0.02)::text)", n)
                for n in range(4 * size)
            )
        )
    assert answers == list(range(4 * size))


async def test_no_more_connections_than_asked_for_serve_many_at_once(db: Database) -> None:
    pool = await open_pool(db.superuser_url, name="at most three", size=3)
    await still_works(pool, 3)
    assert await connections(db, "at most three") == 3
    await pool.close()

    async def gone() -> bool:
        return await connections(db, "at most three") == 0

    await eventually(gone, "the server has seen that they were closed")


async def test_one_after_the_other_needs_one_connection(db: Database) -> None:
    pool = await db.open(db.superuser_url, size=4)
    assert len({await pool.fetchval(PID) for _ in range(10)}) == 1


async def test_rows_and_statements_come_as_from_the_driver(db: Database) -> None:
    pool = await db.open(db.superuser_url, size=1)
    assert await pool.execute("CREATE TABLE things (n integer, body jsonb)") == "CREATE TABLE"
    assert await pool.execute("INSERT INTO things VALUES (1, $1), (2, NULL)", {"a": [1]}) == "INSERT 0 2"
    assert [row["n"] for row in await pool.fetch("SELECT * FROM things ORDER BY n")] == [1, 2]
    assert dict(await pool.fetchrow("SELECT * FROM things WHERE n = 1")) == {"n": 1, "body": {"a": [1]}}
    assert await pool.fetchrow("SELECT * FROM things WHERE n = 3") is None


async def test_an_error_of_the_server_costs_no_connection(db: Database) -> None:
    pool = await db.open(db.superuser_url, size=2)
    before = await pool.fetchval(PID)
    for _ in range(5):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await pool.fetchval("SELECT 1 / 0")
    assert await pool.fetchval(PID) == before
    await still_works(pool, 2)


async def test_who_is_cancelled_while_waiting_or_asking_loses_no_connection(db: Database) -> None:
    pool = await db.open(db.superuser_url, size=2)
    for _ in range(4):
        tasks = [asyncio.create_task(pool.fetchval("SELECT pg_sleep(600)")) for _ in range(6)]
        waiting = [asyncio.create_task(pool.fetchval("SELECT 1")) for _ in range(3)]
        async with asyncio.timeout(60):
            while not await connections_busy(db):
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(60):
            assert await asyncio.gather(*waiting) == [1, 1, 1]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    await still_works(pool, 2)


async def connections_busy(db: Database) -> bool:
    """Whether the server works for the test's pool."""
    server = await asyncpg.connect(db.superuser_url)
    try:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(6%' AND state = 'active'"
        )
        return bool(await server.fetchval(query))
    finally:
        await server.close()


async def test_a_transaction_left_open_is_undone(db: Database) -> None:
    pool = await db.open(db.superuser_url, size=1)
    await pool.execute("CREATE TABLE things (n integer)")
    async with pool.acquire() as connection:
        await connection.execute("BEGIN; INSERT INTO things VALUES (1)")
    assert await pool.fetchval("SELECT count(*) FROM things") == 0
    with contextlib.suppress(ZeroDivisionError):
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; INSERT INTO things VALUES (1)")
            raise ZeroDivisionError
    assert await pool.fetchval("SELECT count(*) FROM things") == 0


async def test_a_restarted_server_is_found_again(own_servers: Servers) -> None:
    pool = await open_pool(own_servers.admin_url(), name="test", size=3)
    await still_works(pool, 3)
    own_servers.postgres.kill()
    with pytest.raises(Retryable), translated():
        await pool.fetchval("SELECT 1")
    own_servers.postgres.start()
    async with asyncio.timeout(60):
        while True:
            try:
                with translated():
                    assert await pool.fetchval("SELECT 1") == 1
                break
            except Retryable:
                await asyncio.sleep(0.05)
    await still_works(pool, 3)
    await pool.close()


async def test_a_pool_that_is_closed_turns_away_who_waits(db: Database) -> None:
    pool = await open_pool(db.superuser_url, name="test", size=1)
    asking = asyncio.create_task(pool.fetchval("SELECT pg_sleep(0.2)::text"))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.fetchval("SELECT 1"))
    await asyncio.sleep(0)
    await pool.close()
    assert await asking == ""
    with pytest.raises(asyncpg.InterfaceError):
        await waiting
