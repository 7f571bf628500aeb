"""An API server with fake nodes for the operator's benchmark, an operator on it, and hands to apply with."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psutil
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from munshi_operator.kinds import Kind, kind_of  # noqa: E402
from rig.api_contract import ensure_definition, way_in  # noqa: E402
from rig.kubernetes import control_plane_by, local_cluster, slot, up  # noqa: E402
from rig.operating import secret, tenant  # noqa: E402

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
    eyes: httpx2.AsyncClient
    """For the operator's own figures."""
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

    async def count(self, namespace: str | None, kind: Kind, good: Callable[[dict[str, Any]], bool]) -> int:
        """How many objects are good."""
        query = {"resourceVersion": "0"}
        answer = await self.client.get(kind.path(namespace), params=query)
        return sum(good(one) for one in orjson.loads(answer.content)["items"])

    def start_operator(
        self, namespace: str, environment: dict[str, str] | None = None, **settings: object
    ) -> "subprocess.Popen[bytes]":
        """The operator, for one namespace: with an outside that answers at once, or, given the environment of
        the whole program, that."""
        module = "munshi_operator" if environment else "bench._operator_process"
        if environment is None:
            (self.folder / "blueprint.yaml").write_text(yaml.safe_dump(BLUEPRINT))
            environment = {
                **os.environ,
                "KUBECONFIG": str(self.kubeconfig),
                "MUNSHI_OPERATOR_PORT": "0",
                "MUNSHI_OPERATOR_NAMESPACE": namespace,
                "MUNSHI_OPERATOR_NAMESPACES": namespace,
                "MUNSHI_OPERATOR_BLUEPRINT_FILE": str(self.folder / "blueprint.yaml"),
                "MUNSHI_OPERATOR_CHECK_META": "false",
            }
        # A loaded machine shall not end a run: what is measured is not the Lease.
        settings = {"LEASE_SECONDS": 120, **settings}
        given = {f"MUNSHI_OPERATOR_{name}": str(value) for name, value in settings.items()}
        with (self.folder / "operator.log").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module], env={**environment, **given}, cwd=ROOT, stdout=out, stderr=out
            )
        self.processes.append(process)
        return process

    def stop_operators(self) -> None:
        """An orderly end, which hands the Lease back."""
        for process in self.processes:
            process.terminate()
            process.wait()
        self.processes.clear()

    def server(self) -> psutil.Process:
        """The API server's process."""
        folder = str(self.kubeconfig.parent)
        return next(
            one
            for one in psutil.process_iter()
            if one.name() == "kube-apiserver" and any(folder in word for word in one.cmdline())
        )

    async def scrape(self) -> dict[str, float]:
        """The operator's figures, by series."""
        port = await self.port()
        text = (await self.eyes.get(f"http://127.0.0.1:{port}/metrics")).text
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    async def port(self) -> int:
        """Where the operator that was started last serves its figures."""
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
            async with way_in(kubeconfig) as client, httpx2.AsyncClient(timeout=60) as eyes:
                client.timeout = httpx2.Timeout(60)
                await ensure_definition(client)
                ground = Ground(client, eyes, kubeconfig, folder)
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
    """Whether a tenant is Ready as it is written now."""
    if (one.get("status") or {}).get("observedGeneration") != one["metadata"]["generation"]:
        return False
    conditions = (one.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def ready_deployment(one: dict[str, Any]) -> bool:
    """Whether all its pods are ready."""
    return int((one.get("status") or {}).get("readyReplicas") or 0) >= int(one["spec"]["replicas"])


def shop(number: int, namespace: str, **spec: Any) -> dict[str, Any]:
    """One tenant."""
    manifest = tenant(f"shop-{number:05d}", str(10_000_000 + number), **spec)
    manifest["metadata"]["namespace"] = namespace
    return manifest


async def apply_tenants(
    ground: Ground, namespace: str, count: int, isolation: str, *, first: int = 0
) -> None:
    """What people do: a Secret and a tenant each."""

    async def one(number: int) -> None:
        credentials = secret(f"shop-{number:05d}")
        credentials["metadata"]["namespace"] = namespace
        await ground.apply(credentials)
        await ground.apply(shop(number, namespace, isolation=isolation))

    await many((lambda n=n: one(n)) for n in range(first, first + count))  # type: ignore[misc]


def cpu_of(process: psutil.Process) -> float:
    """Seconds of CPU so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_of(process: "subprocess.Popen[bytes]") -> float:
    """Resident memory in MiB."""
    return float(psutil.Process(process.pid).memory_info().rss) / 2**20
