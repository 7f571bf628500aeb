"""Memory by likeness at a million rows: how fast the nearest ten come, and how many of the true ten they are.

Vectors lie in clusters, as those of texts do. One tenant holds them all, the worst case for its index;
each of its thousand persons has a thousand. A server of its own out of the wheel.
"""

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import numpy.typing as npt
import uvloop

from munshi.contracts.assistant import Remembered
from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import POOL
from munshi.db.admin import create_cell_role, upsert_tenant
from munshi.db.connection import open_pool
from munshi.db.memory import Memories, Vector
from munshi_migrations import Bootstrap, bootstrap, upgrade
from munshi_migrations.bootstrap import address_as

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))

from rig.cells import tenant_document  # noqa: E402
from rig.servers import Servers  # noqa: E402

TENANT = TenantKey("shops_bench")
MODEL = "bench"
DIMENSIONS = 128
PERSONS = 1_000
CLUSTERS = 20_000
SPREAD = 0.35
"""Noise around a cluster's middle, against its length."""
NEAREST = 10
QUERIES = 300
CHUNK = 10_000
INDEX = "memory_like_128"

Matrix = npt.NDArray[np.float32]


def points(count: int, rng: np.random.Generator, middles: Matrix) -> Matrix:
    """Vectors of length 1 around the middles."""
    chosen = middles[rng.integers(0, len(middles), count)]
    noise = rng.standard_normal((count, DIMENSIONS), np.float32) * np.float32(SPREAD / DIMENSIONS**0.5)
    rows = chosen + noise
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


async def fill(url: str, rows: Matrix) -> tuple[float, float]:
    """Loads all rows, then makes the index; seconds of both."""
    superuser = await asyncpg.connect(url)
    (definition,) = [
        row[0] for row in await superuser.fetch("SELECT indexdef FROM pg_indexes WHERE indexname = $1", INDEX)
    ]
    await superuser.execute(f"DROP INDEX {INDEX}")
    await superuser.execute("SET session_replication_role = replica")  # the persons themselves are not needed
    began = time.perf_counter()
    for first in range(0, len(rows), CHUNK):
        text = io.StringIO()
        for number, row in enumerate(rows[first : first + CHUNK], first):
            numbers = ",".join(f"{value:.5g}" for value in row.tolist())
            text.write(f"{TENANT}\t{1 + number % PERSONS}\tk{number}\t{{}}\t[{numbers}]\t{MODEL}\n")
        columns = ["tenant", "user_id", "key", "value", "embedding", "model"]
        await superuser.copy_to_table(
            "memory", source=io.BytesIO(text.getvalue().encode()), columns=columns, format="text"
        )
    loaded = time.perf_counter()
    await superuser.execute("SET maintenance_work_mem = '2GB'")
    await superuser.execute(f"SET max_parallel_maintenance_workers = {(os.cpu_count() or 2) - 1}")
    await superuser.execute(definition)
    await superuser.execute("VACUUM ANALYZE memory")
    await superuser.close()
    return loaded - began, time.perf_counter() - loaded


Ask = Callable[[Vector, int], Awaitable[Sequence[Remembered]]]


async def measured(ask: Ask, queries: Matrix, truth: Sequence[frozenset[str]]) -> dict[str, float]:
    """Times in milliseconds, and the share of the true nearest that came."""
    times, hits = [], 0
    for number, query in enumerate(queries):
        vector = Vector(MODEL, query.tolist())
        began = time.perf_counter()
        found = await ask(vector, number)
        times.append(1000 * (time.perf_counter() - began))
        hits += len({row.key for row in found} & truth[number])
    times.sort()
    return {
        "p50_ms": statistics.median(times),
        "p95_ms": times[int(0.95 * len(times))],
        "recall_at_10": hits / (NEAREST * len(queries)),
    }


def nearest(rows: Matrix, query: Matrix, numbers: npt.NDArray[np.int64]) -> frozenset[str]:
    """Keys of the true nearest among some rows."""
    likeness = rows[numbers] @ query
    return frozenset(f"k{numbers[at]}" for at in np.argpartition(-likeness, NEAREST)[:NEAREST])


async def bench(servers: Servers, count: int) -> dict[str, Any]:
    """All figures."""
    admin_url = await bootstrap(servers.admin_url(), Bootstrap("bench", "bench"))
    await upgrade(admin_url)
    admin = await asyncpg.connect(admin_url)
    role = await create_cell_role(admin, POOL, "bench")
    await upsert_tenant(admin, TENANT, tenant_document(name="bench").spec)
    await admin.close()
    rng = np.random.default_rng(7)
    middles = rng.standard_normal((CLUSTERS, DIMENSIONS), np.float32)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    rows, queries = points(count, rng, middles), points(QUERIES, rng, middles)
    load_s, index_s = await fill(servers.admin_url("bench"), rows)
    pool = await open_pool(address_as(servers.admin_url(), role.role, "bench", "bench"), name="bench", size=2)
    memories = Memories(pool, TENANT)
    every = np.arange(count)

    async def of_tenant(vector: Vector, _: int) -> Sequence[Remembered]:
        return await memories.like(vector, person=None, limit=NEAREST)

    async def of_person(vector: Vector, number: int) -> Sequence[Remembered]:
        return await memories.like(vector, person=1 + number, limit=NEAREST)

    all_truth = [nearest(rows, query, every) for query in queries]
    own_truth = [nearest(rows, query, every[number::PERSONS]) for number, query in enumerate(queries)]
    await measured(of_tenant, queries, all_truth)  # warm
    found = {
        "tenant": await measured(of_tenant, queries, all_truth),
        "person": await measured(of_person, queries, own_truth),
    }
    await pool.close()
    return {"rows": count, "load_s": load_s, "index_s": index_s, **found}


def main() -> None:
    """Runs, prints, writes `bench/results/vectors.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        servers = Servers(Path(folder) / "servers")
        servers.start()
        try:
            found = uvloop.run(bench(servers, count))
        finally:
            servers.stop()
    load = os.getloadavg()[0]
    print(f"{count:,} rows of {DIMENSIONS} numbers, {os.cpu_count()} cores, load {load:.0f}")
    print(f"loaded in {found['load_s']:.0f} s, index made in {found['index_s']:.0f} s")
    print(f"{'nearest 10 of':20}{'p50 ms':>8}{'p95 ms':>8}{'recall':>8}")
    for name in ("tenant", "person"):
        row = found[name]
        print(f"{name:20}{row['p50_ms']:8.2f}{row['p95_ms']:8.2f}{row['recall_at_10']:8.3f}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "vectors.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
