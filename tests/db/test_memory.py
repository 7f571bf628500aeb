"""Memory that is found by likeness: of one person exactly, of a tenant through the index; nobody else's."""

import math
import random
from typing import Any

import asyncpg
import pytest

from munshi.contracts.assistant import Remember
from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from munshi.db.memory import Memories, Vector

from .conftest import APART, SHARMA, VERMA, Cells
from .scenes import talk

MODEL = "tests-128"


def vector(seed: int, near: int | None = None) -> tuple[float, ...]:
    """A random direction, or one close to the direction of another seed."""
    rng = random.Random(seed)
    numbers = [rng.gauss(0, 1) for _ in range(128)]
    if near is not None:
        numbers = [40 * one + other for one, other in zip(vector(near), numbers, strict=True)]
    length = math.hypot(*numbers)
    return tuple(number / length for number in numbers)


def fact(key: str, numbers: tuple[float, ...] | None, model: str | None = MODEL, **value: Any) -> Remember:
    return Remember(key=key, value=value, embedding=numbers, model=model if numbers else None)


async def person_of(superuser: asyncpg.Connection, tenant: str) -> int:
    found: int = await superuser.fetchval("SELECT max(id) FROM users WHERE tenant = $1", tenant)
    return found


async def test_the_nearest_facts_of_a_person_come_first(cells: Cells, superuser: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say(
        "wamid.A",
        fact("vendor:sharma", vector(1), name="Sharma Traders"),
        fact("vendor:gupta", vector(2), name="Gupta Medical"),
        fact("shop", vector(1), name="not a vendor"),
        fact("vendor:old", vector(1), model="another model", name="of another space"),
        fact("vendor:plain", None, name="by its key alone"),
    )
    person = await person_of(superuser, SHARMA)
    memories = Memories(cells.pool, SHARMA)
    found = await memories.like(Vector(MODEL, vector(9, near=1)), person=person, prefix="vendor:")
    assert [row.key for row in found] == ["vendor:sharma", "vendor:gupta"]
    assert found[0].value == {"name": "Sharma Traders"}
    assert found[0].likeness > 0.9
    assert found[1].likeness < 0.5
    assert await memories.like(Vector(MODEL, vector(1)), person=person, prefix="x") == []
    everybody = await memories.like(Vector(MODEL, vector(9, near=1)), person=None, prefix="vendor:", limit=1)
    assert [row.key for row in everybody] == ["vendor:sharma"]


async def test_a_fact_that_is_told_anew_is_found_by_what_it_is_now(
    cells: Cells, superuser: asyncpg.Connection
) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A", fact("vendor:a", vector(1), n=1))
    await one.say("wamid.B", fact("vendor:a", vector(2), n=2))
    person = await person_of(superuser, SHARMA)
    (found,) = await Memories(cells.pool, SHARMA).like(Vector(MODEL, vector(2)), person=person)
    assert found.value == {"n": 2}
    assert found.likeness == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("person", [None, "own"])
async def test_nobody_elses_facts_are_found(
    cells: Cells, superuser: asyncpg.Connection, person: str | None
) -> None:
    for tenant, pool in ((SHARMA, cells.pool), (VERMA, cells.pool), (APART, cells.apart)):
        one = await talk(pool, tenant, cell=CellName(APART) if tenant == APART else POOL)
        await one.say("wamid.A", fact("vendor:a", vector(1), of=tenant))
    for tenant, pool in ((SHARMA, cells.pool), (VERMA, cells.pool), (APART, cells.apart)):
        who = await person_of(superuser, tenant) if person else None
        found = await Memories(pool, tenant).like(Vector(MODEL, vector(1)), person=who)
        assert [row.value["of"] for row in found] == [tenant]
    strangers = Memories(cells.pool, APART)
    assert await strangers.like(Vector(MODEL, vector(1)), person=None) == []


async def test_the_index_is_used_for_a_tenant(cells: Cells, superuser: asyncpg.Connection) -> None:
    one = await talk(cells.pool, SHARMA)
    await one.say("wamid.A")
    person = await person_of(superuser, SHARMA)
    rows = [(SHARMA, person, f"k{n}", "{}", f"[{','.join(map(str, vector(n)))}]", MODEL) for n in range(600)]
    await superuser.executemany(
        "INSERT INTO memory (tenant, user_id, key, value, embedding, model)"
        " VALUES ($1, $2, $3, $4, $5::text::vector, $6)",
        rows,
    )
    found = await Memories(cells.pool, SHARMA).like(Vector(MODEL, vector(99)), person=None, limit=10)
    assert found[0].key == "k99"
    assert len(found) == 10
    # Else the plan hangs on whether the server has looked at the table by itself yet.
    await superuser.execute("ANALYZE memory")
    plan = await superuser.fetch(
        "EXPLAIN SELECT key FROM memory WHERE vector_dims(embedding) = 128"
        " ORDER BY embedding::halfvec(128) <=> $1::text::halfvec(128) LIMIT 10",
        rows[0][4],
    )
    assert any("memory_like_128" in row[0] for row in plan)
