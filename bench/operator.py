"""The operator on a real API server, against a bare loop of the same server-side applies, and at rest.

Dedicated tenants, with an outside that answers at once, so that the cluster's side is measured: applied
until all are Ready, as a ratio to the bare loop's time until the same objects are applied and all Deployments
ready; a restart at rest, in seconds until every tenant had its pass, and in writes. Nodes and pods are fake.

Pooled tenants, with the whole program over real NATS and PostgreSQL: memory, requests to the API server at
rest, one tenant's change until a reader of the pool's registry (as its pods are) has it, and the same behind
a storm of changes.

A crowd of pooled tenants, with an outside that answers at once: memory and restart at ten thousand.
"""

import argparse
import asyncio
import json
import os
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import orjson
import psutil

from bench._operator_ground import (
    ROOT,
    Ground,
    a_ground,
    apply_tenants,
    cpu_of,
    many,
    memory_of,
    ready_deployment,
    ready_tenant,
    shop,
    until,
)
from munshi.bus.connection import connected
from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import POOL
from munshi.registry import TenantDirectory, follow_registry
from munshi_operator.kinds import CHILDREN, DEPLOYMENT, TENANT
from rig.api_proxy import kubeconfig_to, proxy_to
from rig.outside import Rig, derived_ring, rig_on
from rig.program import environment_of
from rig.servers import Servers

RESULTS = ROOT / "bench" / "results"
_CHANGES = 10
"""Single changes, one after the other."""
_STORM = 1000
_REST_SECONDS = 60.0
_REST_RESYNC_SECONDS = 40.0
"""At rest every tenant is compared with the outside at least once while requests are counted."""
Figures = dict[str, float]


def ok_applies(figures: dict[str, float]) -> float:
    """Children that the operator has applied so far."""
    kinds = {kind.name for kind in CHILDREN}
    return sum(
        value
        for name, value in figures.items()
        if name.startswith("munshi_operator_api_writes_total")
        and 'verb="apply"' in name
        and 'outcome="ok"' in name
        and any(f'kind="{kind}"' in name for kind in kinds)
    )


async def with_operator(ground: Ground, count: int) -> tuple[Figures, list[dict[str, Any]]]:
    """Until all are Ready; and what the operator applied."""
    await ground.make_namespace("operated")
    process = ground.start_operator("operated")
    await ground.port()
    worker, server = psutil.Process(process.pid), ground.server()
    begun, used, served = monotonic(), cpu_of(worker), cpu_of(server)
    applying = asyncio.create_task(apply_tenants(ground, "operated", count, "Dedicated"))
    applied_at: float | None = None
    ready = False
    while not ready:
        await asyncio.sleep(0.5)
        if applied_at is None:
            done = ok_applies(await ground.scrape())
            applied_at = monotonic() - begun if done >= 12 * count else None
            continue
        ready = await all_ready(ground, count)
    seconds = monotonic() - begun
    await applying
    figures = {
        "operator_applied_seconds": applied_at or seconds,
        "operator_seconds": seconds,
        "operator_cpu_seconds": cpu_of(worker) - used,
        "operator_server_cpu_seconds": cpu_of(server) - served,
        "memory_mib": memory_of(process),
    }
    applied = []
    for kind in CHILDREN:
        answer = await ground.client.get(kind.path("operated"))
        if answer.status_code == 200:
            applied += [
                bare(one, kind.api_version, kind.name)
                for one in orjson.loads(answer.content)["items"]
                if "munshi.dev/tenant" in (one["metadata"].get("labels") or {})
            ]
    return figures, applied


def bare(one: dict[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    """An object as it may be applied into another namespace."""
    meta = {name: one["metadata"][name] for name in ("name", "labels", "annotations")}
    body = {name: value for name, value in one.items() if name not in ("metadata", "status")}
    if kind == "Service":
        body["spec"] = {k: v for k, v in body["spec"].items() if not k.startswith(("clusterIP", "ipFam"))}
    return {**body, "apiVersion": api_version, "kind": kind, "metadata": {**meta, "namespace": "bare"}}


async def bare_loop(ground: Ground, count: int, manifests: list[dict[str, Any]]) -> Figures:
    """The same applies, tenants included, by nothing but a loop."""
    await ground.make_namespace("bare")
    worker, server = psutil.Process(), ground.server()
    begun, used, served = monotonic(), cpu_of(worker), cpu_of(server)
    await apply_tenants(ground, "bare", count, "Dedicated")
    await many((lambda m=m: ground.apply(m)) for m in manifests)  # type: ignore[misc]
    applied = monotonic() - begun
    wanted = sum(one["kind"] == "Deployment" for one in manifests)

    async def all_ready() -> bool:
        return bool(await ground.count("bare", DEPLOYMENT, ready_deployment) == wanted)

    await until(all_ready, 900)
    return {
        "bare_applied_seconds": applied,
        "bare_seconds": monotonic() - begun,
        "bare_cpu_seconds": cpu_of(worker) - used,
        "bare_server_cpu_seconds": cpu_of(server) - served,
    }


async def restart(ground: Ground, start: Callable[[], "Any"], count: int) -> Figures:
    """Until a fresh operator has passed over every tenant; its writes."""
    ground.stop_operators()  # waiting for a killed one's Lease is not the restart's
    begun = monotonic()
    process = start()

    async def passed() -> bool:
        figures = await ground.scrape()
        return bool(figures.get('munshi_operator_reconciles_total{outcome="ok"}', 0) >= count)

    await until(passed, 300)
    seconds, used = monotonic() - begun, cpu_of(psutil.Process(process.pid))
    await asyncio.sleep(2)
    figures = await ground.scrape()
    writes = sum(
        value for name, value in figures.items() if name.startswith("munshi_operator_api_writes_total")
    )
    return {
        "restart_seconds": seconds,
        "restart_cpu_seconds": used,
        "restart_writes": writes,
        "restart_memory_mib": memory_of(process),
    }


async def measure_dedicated(count: int) -> Figures:
    """Against the bare loop, and restarted."""
    async with a_ground(nodes=max(5, count // 40)) as ground:
        figures, applied = await with_operator(ground, count)
        figures["objects"] = len(applied)
        figures |= await restart(ground, lambda: ground.start_operator("operated"), count)
        ground.stop_operators()
        figures |= await bare_loop(ground, count, applied)
        figures["ratio"] = figures["operator_seconds"] / figures["bare_seconds"]
        figures["ratio_applied"] = figures["operator_applied_seconds"] / figures["bare_applied_seconds"]
        return figures


# --- pooled ------------------------------------------------------------------------------------------------


async def measure_crowd(count: int) -> Figures:
    """What the operator itself needs for many."""
    async with a_ground(nodes=1) as ground:
        await ground.make_namespace("operated")
        begun = monotonic()
        await apply_tenants(ground, "operated", count, "Pooled")
        figures = {"applied_seconds": monotonic() - begun}
        begun = monotonic()
        process = ground.start_operator("operated")
        worker = psutil.Process(process.pid)
        await until(lambda: all_ready(ground, count), 900)
        figures |= {
            "seconds": monotonic() - begun,
            "cpu_seconds": cpu_of(worker),
            "memory_mib": memory_of(process),
        }
        figures |= await restart(ground, lambda: ground.start_operator("operated"), count)
        return {f"crowd_{name}": value for name, value in figures.items()}


async def all_ready(ground: Ground, count: int) -> bool:
    """Whether all tenants are Ready: by the operator's own figure, and then by a list, which is costly."""
    if (await ground.scrape()).get('munshi_operator_tenants{ready="True"}', 0) < count:
        return False
    return await ground.count(None, TENANT, ready_tenant) == count


@dataclass
class Pool:
    """The whole program over real servers, and a reader of the pool's registry, as every pod has one."""

    ground: Ground
    rig: Rig
    directory: TenantDirectory
    count: int
    environment: dict[str, str]

    def start(self, **settings: object) -> Any:
        """The operator."""
        return self.ground.start_operator("operated", self.environment, **settings)

    async def live(self, number: int, name: str, namespace: str = "operated") -> float:
        """Seconds from a change of a tenant until the reader has it."""
        begun = monotonic()
        manifest = shop(number, namespace, isolation="Pooled", displayName=name)
        key = TenantKey(f"{namespace}_{manifest['metadata']['name']}")
        await self.ground.apply(manifest)

        def has_it() -> bool:
            found = self.directory.get(key)
            return found is not None and found.spec.display_name == name

        await self.until(has_it)
        return monotonic() - begun

    @staticmethod
    async def until(what: Callable[[], bool]) -> None:
        """Looks at the reader's directory until something is there."""
        async with asyncio.timeout(300):
            while not what():  # noqa: ASYNC110  # what is timed needs no event of its own
                await asyncio.sleep(0.005)

    async def all_ready(self) -> bool:
        """Whether all are Ready as they are written now."""
        return await all_ready(self.ground, self.count + _CHANGES)


@asynccontextmanager
async def a_pool(ground: Ground, count: int) -> AsyncIterator[Pool]:
    """Servers, an operator's environment and a reader."""
    servers = Servers(ground.folder / "servers", derived_ring())
    try:
        servers.start()
        async with rig_on(servers, ground.folder) as rig:
            environment = environment_of(ground.folder, "operated", servers, rig.database, ground.kubeconfig)
            environment["MUNSHI_OPERATOR_NAMESPACES"] = "operated,other"
            for name in ("LEASE_SECONDS", "POOL_EVENT_BYTES", "POOL_DEAD_BYTES"):
                del environment[f"MUNSHI_OPERATOR_{name}"]
            directory = TenantDirectory()
            async with connected(await rig.cell(POOL), "bench") as connection:
                reading = asyncio.create_task(follow_registry(connection, directory))
                try:
                    yield Pool(ground, rig, directory, count, environment)
                finally:
                    ground.stop_operators()
                    reading.cancel()
    finally:
        servers.stop()


async def measure_pooled(count: int) -> Figures:
    """Memory, changes, a storm, a restart, and what is asked at rest."""
    async with a_ground(nodes=1) as ground, a_pool(ground, count) as pool:
        for namespace in ("operated", "other"):
            await ground.make_namespace(namespace)
        process = pool.start()
        begun = monotonic()
        await apply_tenants(ground, "operated", count, "Pooled")
        await apply_tenants(ground, "other", _CHANGES, "Pooled", first=count)
        await until(pool.all_ready, 900)
        figures = {"seconds": monotonic() - begun, "memory_mib": memory_of(process)}
        changes = [await pool.live(number, f"New {number}") for number in range(_CHANGES)]
        figures |= {"change_seconds": statistics.median(changes), "change_most_seconds": max(changes)}
        figures |= await storm(pool)
        figures["after_storm_memory_mib"] = memory_of(process)
        figures |= await restart(ground, pool.start, count + _CHANGES)
        figures |= await at_rest(pool)
        return {f"pooled_{name}": value for name, value in figures.items()}


async def storm(pool: Pool) -> Figures:
    """One namespace's tenants change at once; beside them ten of another namespace, and ten of the same."""
    size = min(_STORM, pool.count // 2)
    changed = [shop(n, "operated", isolation="Pooled", displayName="Storm") for n in range(size)]
    begun = monotonic()
    blowing = asyncio.create_task(many((lambda m=m: pool.ground.apply(m)) for m in changed))  # type: ignore[misc]
    await asyncio.sleep(0.5)
    same = asyncio.gather(*(pool.live(size + n, "Single") for n in range(_CHANGES)))
    other = await asyncio.gather(*(pool.live(pool.count + n, "Single", "other") for n in range(_CHANGES)))
    behind = await same
    await blowing
    await pool.until(lambda: sum(one.spec.display_name == "Storm" for one in pool.directory) == size)
    seconds = monotonic() - begun
    await until(pool.all_ready, 300)
    return {
        "storm_changes": float(size),
        "storm_seconds": seconds,
        "storm_single_most_seconds": max(other),
        "storm_single_same_namespace_most_seconds": max(behind),
    }


async def at_rest(pool: Pool) -> Figures:
    """Requests to the API server while nothing happens, resyncs included."""
    pool.ground.stop_operators()
    async with proxy_to(pool.ground.kubeconfig) as proxy:
        environment = {**pool.environment, "KUBECONFIG": str(kubeconfig_to(proxy, pool.ground.folder))}
        pool.ground.start_operator("operated", environment, RESYNC_SECONDS=_REST_RESYNC_SECONDS)

        async def passed() -> bool:
            found = await pool.ground.scrape()
            return bool(found.get('munshi_operator_reconciles_total{outcome="ok"}', 0) >= pool.count)

        await until(passed, 300)
        before, compared = proxy.requests.copy(), await pool.ground.scrape()
        await asyncio.sleep(_REST_SECONDS)
        asked, now = proxy.requests - before, await pool.ground.scrape()
        print("at rest:", dict(asked))
        pool.ground.stop_operators()
    name = 'munshi_operator_reconciles_total{outcome="ok"}'
    others = {
        what: times
        for what, times in asked.items()
        if not what.startswith("WATCH") and not what.endswith(" leases")
    }
    return {
        "rest_seconds": _REST_SECONDS,
        "rest_passes": now[name] - compared[name],
        "rest_lease_and_watch_requests": float(asked.total() - sum(others.values())),
        "rest_other_requests": float(sum(others.values())),
    }


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=1000, help="dedicated ones; 0: none")
    parser.add_argument("--pooled", type=int, default=10_000, help="pooled ones over real servers; 0: none")
    parser.add_argument("--crowd", type=int, default=10_000, help="pooled ones without; 0: none")
    options = parser.parse_args()
    figures: Figures = {}
    for count, measure in (
        (options.tenants, measure_dedicated),
        (options.pooled, measure_pooled),
        (options.crowd, measure_crowd),
    ):
        if count:
            part = measure.__name__.removeprefix("measure_")
            found = {f"{part}_tenants": float(count), f"{part}_load_before": os.getloadavg()[0]}
            found |= asyncio.run(measure(count))
            found[f"{part}_load_after"] = os.getloadavg()[0]
            for name, value in found.items():
                print(f"{name:32} {value:12.2f}", flush=True)
            figures |= found
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "operator.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
