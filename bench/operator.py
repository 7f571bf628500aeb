"""The operator against a bare loop of the same server-side applies, on a real API server with fake nodes.

Three figures: tenants applied until all are Ready, as a ratio to the bare loop's time until the same objects
are applied and all Deployments ready; a restart at rest, in seconds until every tenant had its pass, and in
writes; memory with pooled tenants alone.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import orjson
import psutil
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from munshi_operator.kinds import CHILDREN, DEPLOYMENT, TENANT, kind_of  # noqa: E402
from rig.api_contract import ensure_definition, way_in  # noqa: E402
from rig.kubernetes import control_plane_by, local_cluster, slot, up  # noqa: E402
from rig.operating import secret, tenant  # noqa: E402

RESULTS = ROOT / "bench" / "results"
BLUEPRINT = {
    "ingress": {"image": "munshi-ingress:1"},
    "orchestrator": {"image": "munshi-orchestrator:1"},
    "route": {"kind": "Ingress", "host": "hooks.example.test"},
}
AT_ONCE = 64
"""Requests in flight of the bare loop: as many as the operator's."""
_APPLY = {"Content-Type": "application/apply-patch+yaml"}


@dataclass
class Ground:
    """One API server, and where things of this run lie."""

    client: httpx2.AsyncClient
    kubeconfig: Path
    folder: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    async def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """One server-side apply, as somebody else than the operator."""
        meta = manifest["metadata"]
        path = kind_of(manifest).path(meta["namespace"], meta["name"])
        query = {"fieldManager": "bench", "force": "true"}
        answer = await self.client.patch(path, params=query, content=orjson.dumps(manifest), headers=_APPLY)
        answer.raise_for_status()
        applied: dict[str, Any] = orjson.loads(answer.content)
        return applied

    async def make_namespace(self, name: str) -> None:
        """A namespace."""
        (await self.client.post("/api/v1/namespaces", json={"metadata": {"name": name}})).raise_for_status()

    async def count(self, namespace: str, kind: Any, good: Callable[[dict[str, Any]], bool]) -> int:
        """How many objects are good."""
        query = {"resourceVersion": "0"}
        answer = await self.client.get(kind.path(namespace), params=query)
        return sum(good(one) for one in orjson.loads(answer.content)["items"])

    def start_operator(self, namespace: str) -> "subprocess.Popen[bytes]":
        """The operator, for one namespace."""
        (self.folder / "blueprint.yaml").write_text(yaml.safe_dump(BLUEPRINT))
        log = self.folder / "operator.log"
        settings = {
            "PORT": "0",
            "NAMESPACE": namespace,
            "NAMESPACES": namespace,
            "BLUEPRINT_FILE": str(self.folder / "blueprint.yaml"),
            "CHECK_META": "false",
        }
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        environment |= {f"MUNSHI_OPERATOR_{name}": value for name, value in settings.items()}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "bench._operator_process"],
                env=environment,
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )
        self.processes.append(process)
        return process

    async def scrape(self) -> dict[str, float]:
        """The operator's figures, by series."""
        port = await self._port()
        async with httpx2.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    async def _port(self) -> int:
        while True:
            found = re.search(rb'"port":(\d+)', (self.folder / "operator.log").read_bytes())
            if found:
                return int(found[1])
            await asyncio.sleep(0.05)


@asynccontextmanager
async def a_ground(nodes: int) -> AsyncIterator[Ground]:
    """A fresh API server with fake nodes; nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="munshi-bench-") as made, slot() as name:
        folder = Path(made)
        by = control_plane_by()
        kubeconfig = up(name, by, "--control-plane-only", "--kwok", str(nodes))
        try:
            async with way_in(kubeconfig) as client:
                await ensure_definition(client)
                ground = Ground(client, kubeconfig, folder)
                try:
                    yield ground
                finally:
                    for process in ground.processes:
                        process.kill()
                        process.wait()
        finally:
            local_cluster("down", "--name", name, by=by)


async def many(work: Iterable[Callable[[], Awaitable[Any]]], at_once: int = AT_ONCE) -> None:
    """Runs pieces of work, so many at once."""
    pieces = iter(work)

    async def one() -> None:
        for piece in pieces:
            await piece()

    await asyncio.gather(*(one() for _ in range(at_once)))


async def until(what: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Polls."""
    async with asyncio.timeout(seconds):
        while not await what():  # noqa: ASYNC110  # asked of a server
            await asyncio.sleep(0.25)


def ready_tenant(one: dict[str, Any]) -> bool:
    """Whether a tenant is Ready."""
    conditions = (one.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def ready_deployment(one: dict[str, Any]) -> bool:
    """Whether all its pods are ready."""
    return int((one.get("status") or {}).get("readyReplicas") or 0) >= int(one["spec"]["replicas"])


async def apply_tenants(ground: Ground, namespace: str, count: int, isolation: str) -> None:
    """What people do: a Secret and a tenant each."""

    async def one(number: int) -> None:
        name = f"shop-{number:05d}"
        for manifest in (secret(name), tenant(name, str(10_000_000 + number), isolation=isolation)):
            manifest["metadata"]["namespace"] = namespace
            await ground.apply(manifest)

    await many((lambda n=n: one(n)) for n in range(count))  # type: ignore[misc]


async def with_operator(ground: Ground, count: int) -> tuple[float, list[dict[str, Any]], float]:
    """Seconds until all are Ready; what the operator applied; its memory in MiB."""
    await ground.make_namespace("operated")
    process = ground.start_operator("operated")
    await ground._port()  # noqa: SLF001
    begun = monotonic()
    await apply_tenants(ground, "operated", count, "Dedicated")

    async def all_ready() -> bool:
        return await ground.count("operated", TENANT, ready_tenant) == count

    await until(all_ready, 900)
    seconds = monotonic() - begun
    applied = []
    for kind in CHILDREN:
        answer = await ground.client.get(kind.path("operated"))
        if answer.status_code == 200:
            applied += [
                bare(one, kind.api_version, kind.name)
                for one in orjson.loads(answer.content)["items"]
                if "munshi.dev/applied" in (one["metadata"].get("annotations") or {})
            ]
    return seconds, applied, memory(process)


def bare(one: dict[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    """An object as it may be applied into another namespace."""
    meta = {name: one["metadata"][name] for name in ("name", "labels", "annotations")}
    body = {name: value for name, value in one.items() if name not in ("metadata", "status")}
    if kind == "Service":
        body["spec"] = {k: v for k, v in body["spec"].items() if not k.startswith(("clusterIP", "ipFam"))}
    return {**body, "apiVersion": api_version, "kind": kind, "metadata": {**meta, "namespace": "bare"}}


async def bare_loop(ground: Ground, count: int, manifests: list[dict[str, Any]]) -> float:
    """Seconds for the same applies, tenants included, by nothing but a loop."""
    await ground.make_namespace("bare")
    begun = monotonic()
    await apply_tenants(ground, "bare", count, "Dedicated")
    await many((lambda m=m: ground.apply(m)) for m in manifests)  # type: ignore[misc]
    wanted = sum(one["kind"] == "Deployment" for one in manifests)

    async def all_ready() -> bool:
        return bool(await ground.count("bare", DEPLOYMENT, ready_deployment) == wanted)

    await until(all_ready, 900)
    return monotonic() - begun


async def restart(ground: Ground, namespace: str, count: int) -> tuple[float, float, float]:
    """Seconds until a fresh operator has passed over every tenant; its writes; its memory in MiB."""
    for process in ground.processes:
        process.terminate()  # an orderly end hands the Lease back; waiting for it is not the restart's
        process.wait()
    begun = monotonic()
    process = ground.start_operator(namespace)

    async def passed() -> bool:
        figures = await ground.scrape()
        return bool(figures.get('munshi_operator_reconciles_total{outcome="ok"}', 0) >= count)

    await until(passed, 300)
    seconds = monotonic() - begun
    await asyncio.sleep(2)
    figures = await ground.scrape()
    writes = sum(
        value for name, value in figures.items() if name.startswith("munshi_operator_api_writes_total")
    )
    return seconds, writes, memory(process)


def memory(process: "subprocess.Popen[bytes]") -> float:
    """Resident memory in MiB."""
    return float(psutil.Process(process.pid).memory_info().rss) / 2**20


async def measure(count: int, pooled: int) -> dict[str, float]:
    """All figures."""
    figures: dict[str, float] = {"tenants": count, "pooled_tenants": pooled}
    if count:
        async with a_ground(nodes=max(5, count // 40)) as ground:
            operated, applied, mib = await with_operator(ground, count)
            figures |= {"operator_seconds": operated, "memory_mib": mib, "objects": len(applied)}
            seconds, writes, _ = await restart(ground, "operated", count)
            figures |= {"restart_seconds": seconds, "restart_writes": writes}
            ground.processes[-1].kill()
            figures["bare_seconds"] = await bare_loop(ground, count, applied)
            figures["ratio"] = figures["operator_seconds"] / figures["bare_seconds"]
    if pooled:
        async with a_ground(nodes=1) as ground:
            await ground.make_namespace("operated")
            process = ground.start_operator("operated")
            await apply_tenants(ground, "operated", pooled, "Pooled")

            async def all_ready() -> bool:
                return await ground.count("operated", TENANT, ready_tenant) == pooled

            await until(all_ready, 900)
            figures["pooled_memory_mib"] = memory(process)
            seconds, writes, mib = await restart(ground, "operated", pooled)
            figures |= {
                "pooled_restart_seconds": seconds,
                "pooled_restart_writes": writes,
                "pooled_restart_memory_mib": mib,
            }
    return figures


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=1000, help="dedicated ones; 0: none")
    parser.add_argument("--pooled", type=int, default=10_000, help="pooled ones; 0: none")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.tenants, options.pooled))
    for name, value in figures.items():
        print(f"{name:28} {value:12.2f}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "operator.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
