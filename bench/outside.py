"""What the operator's part outside the cluster costs a tenant: made, compared at rest, asked for its backlog.

Real PostgreSQL and NATS of this machine, 16 tenants at a time as the engine works them. `rest` against `bare`
is the comparison of a dedicated tenant with everything outside, as a ratio to opening and closing one bare
connection to its account and one to its database, which no look can do without.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import TypeVar

import aiohttp
import asyncpg

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from munshi_operator.types import Served  # noqa: E402
from rig.outside import Rig, derived_ring, moved, rig_on  # noqa: E402
from rig.servers import Servers  # noqa: E402

AT_ONCE = 16

One = TypeVar("One")


async def _timed(work: Callable[[One], Awaitable[object]], over: Iterable[One]) -> float:
    """Milliseconds for each, so many at a time."""
    places, all_of = asyncio.Semaphore(AT_ONCE), list(over)

    async def one(given: One) -> None:
        async with places:
            await work(given)

    began = monotonic()
    await asyncio.gather(*(one(given) for given in all_of))
    return (monotonic() - began) * 1000 / len(all_of)


async def _connections(rig: Rig) -> int:
    url = f"{rig.servers.nats_program.monitoring_url}/connz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return int((await answer.json())["num_connections"])


async def _measure(rig: Rig, count: int, isolation: str) -> dict[str, float]:
    outside = rig.outside
    wants = [rig.want(f"{isolation.lower()}{n}", isolation, number=str(10_000 + n)) for n in range(count)]

    async def bare(want: Served) -> None:
        access = await outside.access(want.cell)
        async with rig.admin_of(want.cell):
            pass
        await (await asyncpg.connect(access.database_url)).close()

    made = await _timed(outside.ensure, wants)
    settled = [moved(want, applied="x", observedGeneration=1, cell=want.cell) for want in wants]
    rest = await _timed(outside.ensure, settled)
    look = await _timed(lambda want: outside.observe_backlog(want.cell, want.object.key), wants)
    floor = await _timed(bare, wants)
    return {
        "made_ms": made,
        "rest_ms": rest,
        "backlog_ms": look,
        "bare_ms": floor,
        "rest_to_bare": rest / floor,
        "connections_at_rest": await _connections(rig),
    }


async def _run(count: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        servers = Servers(Path(folder) / "servers", derived_ring())
        try:
            servers.start()
            async with rig_on(servers, Path(folder)) as rig:
                return {kind: await _measure(rig, count, kind) for kind in ("Dedicated", "Pooled")}
        finally:
            servers.stop()


def main() -> None:
    """Prints a table, writes bench/results/outside.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=300, help="of each kind")
    found = asyncio.run(_run(parser.parse_args().tenants))
    for kind, figures in found.items():
        print(kind, *(f"{name} {value:.2f}" for name, value in figures.items()), sep="  ")
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "outside.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
