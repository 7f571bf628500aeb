"""`python -m munshi_operator` on a real API server, with real NATS and PostgreSQL."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest
import yaml

from munshi_operator.kinds import DEPLOYMENT, SECRET, SERVICE, TENANT, Kind
from rig.api_contract import ensure_definition, way_in
from rig.fixtures import run_as_superuser, template_database
from rig.kubernetes import Cluster
from rig.operating import secret, tenant
from rig.outside import MASTER, derived_ring
from rig.servers import Servers

BLUEPRINT = {
    "ingress": {"image": "munshi-ingress:test"},
    "orchestrator": {"image": "munshi-orchestrator:test"},
    "route": {"kind": "Ingress", "host": "hooks.example.test"},
}


@dataclass
class Program:
    """One operator process, its namespace, and eyes on the cluster."""

    client: httpx2.AsyncClient
    namespace: str
    folder: Path
    environment: dict[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, identity: str = "a") -> "subprocess.Popen[bytes]":
        """Starts a replica."""
        with (self.folder / f"{identity}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "munshi_operator"],
                env={**self.environment, "MUNSHI_OPERATOR_IDENTITY": identity},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def logs(self) -> str:
        """What all replicas said."""
        return "\n".join(path.read_text()[-4000:] for path in sorted(self.folder.glob("*.log")))

    async def apply(self, manifest: dict[str, Any]) -> None:
        """People apply something."""
        manifest["metadata"]["namespace"] = self.namespace
        kind = {"Secret": SECRET, TENANT.name: TENANT}[manifest["kind"]]
        applied = await self.client.patch(
            kind.path(self.namespace, manifest["metadata"]["name"]),
            params={"fieldManager": "people", "force": "true"},
            content=orjson.dumps(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        assert applied.status_code < 300, applied.text

    async def get(self, kind: Kind, name: str = "", namespace: str = "") -> dict[str, Any] | None:
        """An object or a list."""
        answer = await self.client.get(kind.path(namespace or self.namespace, name or None))
        return json.loads(answer.content) if answer.status_code == 200 else None

    async def condition(self, name: str, kind: str = "Ready") -> dict[str, Any]:
        """A condition of a tenant."""
        found = await self.get(TENANT, name) or {}
        status = found.get("status") or {}
        if status.get("observedGeneration") != found.get("metadata", {}).get("generation"):
            return {}
        return next((one for one in status.get("conditions") or [] if one["type"] == kind), {})

    async def until(self, what: Callable[[], Any], why: str, seconds: float = 60) -> None:
        """Polls an asynchronous question."""
        try:
            async with asyncio.timeout(seconds):
                while not await what():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            found = await self.get(TENANT)
            seen = [one.get("status") for one in (found or {}).get("items", [])]
            raise AssertionError(f"{why}; {seen}; {self.logs()}") from None

    async def until_ready(self, name: str) -> None:
        """A tenant is Ready."""

        async def ready() -> bool:
            return (await self.condition(name)).get("status") == "True"

        await self.until(ready, f"{name} is Ready")


@pytest.fixture(scope="module")
def derived_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that the derived keys open."""
    running = Servers(tmp_path_factory.mktemp("derived"), derived_ring())
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
async def database(derived_servers: Servers) -> AsyncIterator[str]:
    """A fresh database; the roles that the operator made go with it."""
    template = await template_database(derived_servers)
    name = f"program_{uuid.uuid4().hex[:12]}"
    await run_as_superuser(
        derived_servers, f'create database "{name}" template "{template}" owner munshi_owner'
    )
    await run_as_superuser(
        derived_servers, f'grant connect on database "{name}" to munshi_services, munshi_admin'
    )
    yield name
    db = await asyncpg.connect(derived_servers.admin_url(name))
    roles = [row["role_name"] for row in await db.fetch("select role_name from cells")]
    await db.close()
    await run_as_superuser(derived_servers, f'drop database if exists "{name}" with (force)')
    for role in roles:
        await run_as_superuser(derived_servers, f'drop role if exists "{role}"')


@pytest.fixture
async def program(
    derived_servers: Servers, database: str, control_plane: Cluster, namespace: str, tmp_path: Path
) -> AsyncIterator[Program]:
    """A namespace with the definition installed; replicas end with the test."""
    (tmp_path / "master-key").write_text(MASTER.secret.hex())
    (tmp_path / "blueprint.yaml").write_text(yaml.safe_dump(BLUEPRINT))
    settings = {
        "PORT": "0",
        "NAMESPACE": namespace,
        "NAMESPACES": namespace,
        "MASTER_KEY_FILE": str(tmp_path / "master-key"),
        "BLUEPRINT_FILE": str(tmp_path / "blueprint.yaml"),
        "DATABASE_URL": derived_servers.munshi_admin_url(database),
        "NATS_URL": derived_servers.nats_program.url,
        "CHECK_META": "false",
        "WEBHOOK_URL": "https://hooks.example.test",
        "LEASE_SECONDS": "3",
        "POOL_EVENT_BYTES": str(64 * 2**20),
        "POOL_DEAD_BYTES": str(16 * 2**20),
    }
    environment = {f"MUNSHI_OPERATOR_{name}": value for name, value in settings.items()}
    environment |= {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)}
    async with way_in(control_plane.kubeconfig) as client:
        await ensure_definition(client)
        made = Program(client, namespace, tmp_path, environment)
        try:
            yield made
        finally:
            for process in made.processes:
                process.kill()
                process.wait()
            await let_go(client, namespace)


async def let_go(client: httpx2.AsyncClient, namespace: str) -> None:
    """Takes the finalizers off, which nobody will any more, so that the namespace can go."""
    found = await client.get(TENANT.path(namespace))
    for one in found.json()["items"]:
        await client.patch(
            TENANT.path(namespace, one["metadata"]["name"]),
            content=b'{"metadata":{"finalizers":null}}',
            headers={"Content-Type": "application/merge-patch+json"},
        )


async def test_a_tenants_whole_life(program: Program) -> None:
    process = program.start()
    for name, isolation in (("sharma", "Dedicated"), ("gupta", "Pooled")):
        await program.apply(secret(name))
        await program.apply(tenant(name, isolation=isolation, deletionPolicy="Delete"))
        await program.until_ready(name)
    deployments = (await program.get(DEPLOYMENT) or {})["items"]
    assert sorted(one["metadata"]["name"] for one in deployments) == ["sharma-ingress", "sharma-orchestrator"]
    assert await program.get(SECRET, "munshi-pool-ingress") is not None

    deleted = await program.client.delete(SERVICE.path(program.namespace, "sharma-ingress"))
    assert deleted.status_code == 200

    async def back() -> bool:
        return await program.get(SERVICE, "sharma-ingress") is not None

    await program.until(back, "a deleted Service is made again")
    await program.apply(tenant("sharma", isolation="Pooled", deletionPolicy="Delete"))

    async def moved() -> bool:
        found = await program.get(TENANT, "sharma") or {}
        left = (await program.get(DEPLOYMENT) or {}).get("items")
        return found["status"].get("cell") == "pool" and not left

    await program.until(moved, "the tenant has moved into the pool", 90)
    await program.until_ready("sharma")
    for name in ("sharma", "gupta"):
        await program.client.delete(TENANT.path(program.namespace, name))

    async def gone() -> bool:
        return not (await program.get(TENANT) or {"items": [1]})["items"]

    await program.until(gone, "the tenants are gone")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 30) == 0, program.logs()


async def test_a_killed_leader_is_followed_and_a_restart_at_rest_writes_nothing(program: Program) -> None:
    first = program.start("a")
    for name in ("sharma", "gupta"):
        await program.apply(secret(name))
        await program.apply(tenant(name, isolation="Pooled" if name == "gupta" else "Dedicated"))
        await program.until_ready(name)

    async def versions() -> dict[str, str]:
        found = {}
        for kind in (TENANT, DEPLOYMENT, SECRET, SERVICE):
            for one in (await program.get(kind) or {})["items"]:
                found[f"{kind.name}/{one['metadata']['name']}"] = one["metadata"]["resourceVersion"]
        return found

    before = await versions()
    program.start("b")
    first.kill()

    async def leads() -> bool:
        return (
            '"event":"leading","service":"operator"' in program.logs() or program.logs().count("leading") >= 2
        )

    await program.until(leads, "the second replica leads")
    await program.apply(tenant("gupta", isolation="Pooled", displayName="New"))

    async def seen() -> bool:
        return (await program.condition("gupta")).get("observedGeneration") == 2

    await program.until(seen, "the second replica works")
    after = await versions()
    assert {name for name in after if after[name] != before[name]} == {f"{TENANT.name}/gupta"}
