"""`python -m munshi_operator` as a process on a real API server, with real NATS and PostgreSQL."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import orjson
import yaml
from nats.js.errors import KeyNotFoundError
from pydantic import SecretStr

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import registry_bucket
from munshi.contracts.tenant import POOL
from munshi_operator.kinds import CHILDREN, DEPLOYMENT, LEASE, SECRET, TENANT, Kind
from munshi_operator.leader import NAME as LEASE_NAME
from munshi_operator.main import run
from munshi_operator.observed import TENANT_LABEL
from munshi_operator.outside import open_outside
from munshi_operator.settings import OperatorSettings
from rig.forks import FORKS
from rig.operating import secret, tenant
from rig.outside import MASTER
from rig.servers import Servers
from rig.waiting import PATIENCE_SECONDS, eventually

BLUEPRINT: dict[str, dict[str, Any]] = {
    "ingress": {"image": "munshi-ingress:test"},
    "orchestrator": {"image": "munshi-orchestrator:test"},
    "route": {"kind": "Ingress", "host": "hooks.example.test"},
}


def _run_forked(environment: dict[str, str], log: Path) -> None:
    """In the new process: the program, as if it had been started with that environment."""
    os.environ.clear()
    os.environ.update(environment)
    with log.open("wb") as out:
        for number in (1, 2):
            os.dup2(out.fileno(), number)
    run()


@dataclass(frozen=True)
class Forked:
    """A replica of `Program.fork`, with what of a `Popen` these tests use."""

    process: ForkServerProcess

    def send_signal(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def poll(self) -> int | None:
        """How it has ended; `None` while it runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """Until it has ended."""
        self.process.join()
        return self.process.exitcode


@dataclass
class Program:
    """One operator process, its namespace, and eyes on the cluster."""

    client: httpx2.AsyncClient
    namespace: str
    folder: Path
    environment: dict[str, str]
    processes: "list[subprocess.Popen[bytes] | Forked]" = field(default_factory=list)

    def start(self, identity: str = "a", **settings: object) -> "subprocess.Popen[bytes]":
        """Starts a replica; `settings` by their names in the environment, without the prefix."""
        given = {f"MUNSHI_OPERATOR_{name}": str(value) for name, value in settings.items()}
        with (self.folder / f"{identity}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "munshi_operator"],
                env={**self.environment, "MUNSHI_OPERATOR_IDENTITY": identity, **given},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def fork(self, identity: str = "a", **settings: object) -> "Forked":
        """Starts a replica from a process that has its modules already: for those who start many."""
        given = {f"MUNSHI_OPERATOR_{name}": str(value) for name, value in settings.items()}
        environment = {**self.environment, "MUNSHI_OPERATOR_IDENTITY": identity, **given}
        log = self.folder / f"{identity}-{len(self.processes)}.log"
        log.touch()
        process = FORKS.Process(target=_run_forked, args=(environment, log))
        process.start()
        self.processes.append(made := Forked(process))
        return made

    def end(self) -> None:
        """kill -9 of all replicas."""
        for process in self.processes:
            process.send_signal(signal.SIGCONT)  # one that a test has stopped
            process.kill()
            process.wait()

    def leads(self) -> bool:
        """Whether the replica that was started last leads."""
        return '"event":"leading"' in self._log.read_text()

    @property
    def _log(self) -> Path:
        return max(self.folder.glob("*.log"), key=lambda path: int(path.stem.rpartition("-")[2]))

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

    async def apply_shop(self, name: str, **spec: Any) -> None:
        """People apply a tenant with its Secret."""
        await self.apply(secret(name))
        await self.apply(tenant(name, **spec))

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

    async def children(self) -> list[tuple[Kind, dict[str, Any]]]:
        """What operators have made for dedicated tenants."""
        found: list[tuple[Kind, dict[str, Any]]] = []
        for kind in CHILDREN:
            listed = (await self.get(kind) or {}).get("items", [])
            found += [(kind, one) for one in listed if TENANT_LABEL in (one["metadata"].get("labels") or {})]
        return found

    async def replicas(self, deployment: str) -> int | None:
        """How many pods a Deployment wants."""
        found = await self.get(DEPLOYMENT, deployment) or {"spec": {}}
        return int(found["spec"]["replicas"]) if "replicas" in found["spec"] else None

    async def ready_tenants(self) -> int:
        """How many are Ready as they are written now."""
        return sum(_is_ready(one) for one in (await self.get(TENANT) or {"items": []})["items"])

    async def leader(self) -> str:
        """Who holds the Lease."""
        found = await self.get(LEASE, LEASE_NAME) or {"spec": {}}
        return str(found["spec"].get("holderIdentity"))

    async def served_by(self, name: str) -> tuple[set[str], str | None]:
        """The cells in whose registries a tenant stands, and the one that its rows belong to."""
        key, standing = TenantKey(f"{self.namespace}_{name}"), set()
        settings = OperatorSettings(
            master_key_file=Path(self.environment["MUNSHI_OPERATOR_MASTER_KEY_FILE"]),
            database_url=SecretStr(self.environment["MUNSHI_OPERATOR_DATABASE_URL"]),
            nats_url=self.environment["MUNSHI_OPERATOR_NATS_URL"],
        )
        async with open_outside(settings) as outside:
            for cell in (POOL, CellName(key)):
                if await outside.accounts.look_up(outside.planner.cell(cell).account) is None:
                    continue
                async with outside.bus.open(cell) as js:
                    bucket = await js.key_value(registry_bucket(cell))
                    with contextlib.suppress(KeyNotFoundError):
                        await bucket.get(key)
                        standing.add(str(cell))
        db = await asyncpg.connect(self.environment["MUNSHI_OPERATOR_DATABASE_URL"])
        try:
            return standing, await db.fetchval("select cell from tenants where tenant = $1", key)
        finally:
            await db.close()

    async def until(
        self, what: Callable[[], Awaitable[object]], why: str, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Polls an asynchronous question."""
        try:
            await eventually(what, why, seconds, every=0.1)
        except AssertionError as error:
            found = await self.get(TENANT)
            seen = [one.get("status") for one in (found or {}).get("items", [])]
            raise AssertionError(f"{error}; {seen}; {self.logs()}") from None

    async def ready(self, name: str) -> bool:
        """Whether a tenant is Ready as it is written now."""
        return (await self.condition(name)).get("status") == "True"

    async def until_ready(self, name: str, seconds: float = PATIENCE_SECONDS) -> None:
        """A tenant is Ready."""
        await self.until(lambda: self.ready(name), f"{name} is Ready", seconds)


def _is_ready(raw: dict[str, Any]) -> bool:
    status = raw.get("status") or {}
    now = status.get("observedGeneration") == raw["metadata"]["generation"]
    conditions = status.get("conditions") or []
    return now and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def environment_of(
    folder: Path, namespace: str, servers: Servers, database: str, kubeconfig: Path
) -> dict[str, str]:
    """What a replica is started with; its files are written into the folder."""
    (folder / "master-key").write_text(MASTER.secret.hex())
    (folder / "blueprint.yaml").write_text(yaml.safe_dump(BLUEPRINT))
    settings = {
        "PORT": "0",
        "NAMESPACE": namespace,
        "NAMESPACES": namespace,
        "MASTER_KEY_FILE": str(folder / "master-key"),
        "BLUEPRINT_FILE": str(folder / "blueprint.yaml"),
        "DATABASE_URL": servers.munshi_admin_url(database),
        "NATS_URL": servers.nats_program.url,
        "CHECK_META": "false",
        "WEBHOOK_URL": "https://hooks.example.test",
        # A third of it is one try's time: enough for a slow API server, and a second replica takes over soon.
        "LEASE_SECONDS": "15",
        "POOL_EVENT_BYTES": str(64 * 2**20),
        "POOL_DEAD_BYTES": str(16 * 2**20),
    }
    given = {f"MUNSHI_OPERATOR_{name}": value for name, value in settings.items()}
    return {**os.environ, **given, "KUBECONFIG": str(kubeconfig)}


async def let_go(client: httpx2.AsyncClient, namespace: str) -> None:
    """Takes the finalizers off, which nobody will any more, so that the namespace can go."""
    found = await client.get(TENANT.path(namespace))
    for one in found.json()["items"]:
        await client.patch(
            TENANT.path(namespace, one["metadata"]["name"]),
            content=b'{"metadata":{"finalizers":null}}',
            headers={"Content-Type": "application/merge-patch+json"},
        )
