"""A whole operator over the memory's API and outside, and the words in which tests speak of it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import Isolation
from munshi.errors import MunshiError
from munshi_operator.api import Selection
from munshi_operator.assembly import Parts, assemble
from munshi_operator.builders.names import COMPONENT_LABEL
from munshi_operator.drift import CONFIG
from munshi_operator.engine import Engine
from munshi_operator.kinds import DEPLOYMENT, TENANT, Ref
from munshi_operator.observed import TENANT_LABEL
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import CellAccess, Manifest, TenantObject
from rig.kube import MemoryApi, MemoryCluster
from rig.outside_memory import MemoryMeta, MemoryOutside
from rig.waiting import PATIENCE_SECONDS, eventually

NAMESPACE = "shops"
TOKEN = "token"
QUICK: dict[str, Any] = {
    "backoff_seconds": 0.01,
    "backoff_most_seconds": 0.05,
    "drain_seconds": 0.0,
    "wake_poll_seconds": 0.02,
    "idle_seconds": 0.05,
    "writes_per_second": 100_000.0,
    "write_burst": 100_000,
    "deadline_seconds": 20.0,
    "check_meta": True,
    "webhook_url": "https://hooks.example.test",
}


def tenant(name: str, number: str = "", **spec: Any) -> Manifest:
    """A `WhatsAppTenant` as people write it."""
    digits = number or f"{10_000_000 + abs(hash(name)) % 80_000_000}"
    whole = {
        "displayName": name.title(),
        "assistant": "Ledger",
        "isolation": "Dedicated",
        "whatsapp": {
            "businessAccountID": "102290129340398",
            "phoneNumbers": [{"phoneNumberID": digits}],
            "secretRef": {"name": f"{name}-whatsapp"},
        },
        **spec,
    }
    return {
        "apiVersion": TENANT.api_version,
        "kind": TENANT.name,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": whole,
    }


def secret(name: str, token: str = TOKEN) -> Manifest:
    """Its Secret."""
    values = {"app-secret": "app", "access-token": token, "verify-token": "verify"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}-whatsapp", "namespace": NAMESPACE},
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def key_of(name: str) -> TenantKey:
    """The key of a tenant of these tests."""
    return TenantKey(f"{NAMESPACE}_{name}")


def ref(name: str) -> Ref:
    """What names it."""
    return Ref(TENANT, NAMESPACE, name)


@dataclass
class PlainChildren:
    """Builders with a child of every sort that the engine treats in its own way, and nothing more."""

    image: str = "munshi:1"
    spelling: str = "a"
    """Something in the pod template that is not worth a restart."""
    port: int = 80
    """Of the Service."""

    def __call__(
        self, tenant: TenantObject, access: CellAccess, *, orchestrator_replicas: int | None
    ) -> list[Manifest]:
        """See `Build`."""
        if tenant.tenant.spec.isolation is Isolation.POOLED:
            return []
        name = tenant.tenant.metadata.name
        data = {"nats-url": base64.b64encode(access.nats_url.encode()).decode()}
        return [
            self._object(tenant, "v1", "ServiceAccount", f"{name}-ingress"),
            self._object(tenant, "v1", "Secret", f"{name}-munshi-ingress", data=data),
            self._object(
                tenant,
                "v1",
                "Service",
                f"{name}-ingress",
                spec={"ports": [{"name": "http", "port": self.port, "targetPort": 8000}]},
            ),
            self._deployment(tenant, "ingress", 2),
            self._deployment(tenant, "orchestrator", orchestrator_replicas),
            self._object(
                tenant,
                "gateway.networking.k8s.io/v1",
                "HTTPRoute",
                f"{name}-webhook",
                spec={"rules": [{"backendRefs": [{"name": f"{name}-ingress", "port": 80}]}]},
            ),
        ]

    def _deployment(self, tenant: TenantObject, component: str, replicas: int | None) -> Manifest:
        name = f"{tenant.tenant.metadata.name}-{component}"
        labels = {"app.kubernetes.io/name": name}
        container = {
            "name": "main",
            "image": self.image,
            "env": [{"name": "SPELLING", "value": self.spelling}, {"name": "MUNSHI_PORT", "value": "8000"}],
            "ports": [{"containerPort": 8000}],
            "resources": {"requests": {"cpu": "1000m"}},
        }
        spec: dict[str, Any] = {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {CONFIG: self.image}},
                "spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]},
            },
        }
        if replicas is not None:
            spec["replicas"] = replicas
        made = self._object(tenant, "apps/v1", "Deployment", name, spec=spec)
        made["metadata"]["labels"][COMPONENT_LABEL] = component
        return made

    @staticmethod
    def _object(tenant: TenantObject, api_version: str, kind: str, name: str, **body: Any) -> Manifest:
        owner = {
            "apiVersion": TENANT.api_version,
            "kind": TENANT.name,
            "name": tenant.tenant.metadata.name,
            "uid": tenant.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
        meta = {
            "name": name,
            "namespace": tenant.tenant.metadata.namespace,
            "labels": {TENANT_LABEL: tenant.tenant.metadata.name},
            "ownerReferences": [owner],
        }
        return {"apiVersion": api_version, "kind": kind, "metadata": meta, **body}


@dataclass
class Stage:
    """One cluster with its outside; operators come and go on it."""

    api: MemoryApi = field(default_factory=MemoryApi)
    outside: MemoryOutside = field(default_factory=MemoryOutside)
    meta: MemoryMeta = field(default_factory=MemoryMeta)
    build: PlainChildren = field(default_factory=PlainChildren)
    settings: dict[str, Any] = field(default_factory=lambda: dict(QUICK))
    leading: Callable[[], bool] = lambda: True

    @asynccontextmanager
    async def operator(self, **settings: Any) -> AsyncIterator[Parts]:
        """An operator at work, tenants' watch included."""
        parts = self.assemble(**settings)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(parts.engine.follow()),
                group.create_task(follow_tenants(self.api, parts.engine)),
                group.create_task(parts.engine.keep_census()),
            ]
            await parts.engine.synced()
            parts.engine.begin()
            tasks.append(group.create_task(parts.engine.work()))
            try:
                yield parts
            finally:
                for task in tasks:
                    task.cancel()

    def assemble(self, **settings: Any) -> Parts:
        """The parts of an operator, not at work yet."""
        given = OperatorSettings(**{**self.settings, **settings})
        return assemble(given, MemoryCluster(self.api), self.outside, self.meta, self.build, self.leading)

    def create(self, name: str, *, token: str = TOKEN, number: str = "", **spec: Any) -> None:
        """People apply a tenant with its Secret."""
        self.api.put(secret(name, token))
        self.api.put(tenant(name, number, **spec))

    def status(self, name: str) -> dict[str, Any]:
        """The status of a tenant."""
        found = self.api.peek(ref(name))
        return (found or {}).get("status") or {}

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        """One condition of it."""
        conditions = self.status(name).get("conditions") or []
        return next((one for one in conditions if one["type"] == kind), {})

    def ready(self, name: str) -> bool:
        """Whether it is Ready as it is written now."""
        found = self.api.peek(ref(name))
        if found is None:
            return False
        current = self.status(name).get("observedGeneration") == found["metadata"]["generation"]
        return current and self.condition(name, "Ready").get("status") == "True"

    async def until_ready(self, names: Iterable[str], seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until all of many are Ready, each once."""
        left = set(names)

        def none_left() -> bool:
            left.difference_update([name for name in left if self.ready(name)])
            return not left

        await until(none_left, f"{len(left)} tenants are Ready", seconds)

    def deployment(self, name: str) -> Manifest | None:
        """A Deployment."""
        return self.api.get(Ref(DEPLOYMENT, NAMESPACE, name))

    def rotate(self, name: str, token: str) -> None:
        """People put a new token into the Secret."""
        self.api.put(secret(name, token))

    async def until(self, what: Callable[[], object], why: str = "") -> None:
        """Waits until something holds."""
        await until(what, why)

    async def rest(self, parts: Parts) -> None:
        """Waits until the watches have told all, and the operator has nothing to do."""
        await until(lambda: self.api.told and at_rest(parts), "the operator comes to rest")


def at_rest(parts: Parts) -> bool:
    """Nothing waits, nothing is in work."""
    queue = parts.engine.queue
    return not queue.depth and not queue.working and not queue.pending_soon(0.15)


async def until(what: Callable[[], object], why: str = "", seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until `what` is true; looks more often than others do, for what passes by."""
    await eventually(what, why, seconds, every=0.005)


async def follow_tenants(api: MemoryApi, engine: Engine) -> None:
    """What kopf does in the program: hands every event of a tenant to the engine."""

    cluster = MemoryCluster(api)
    while True:
        try:
            version = "0"
            async for page in cluster.list(Selection(TENANT)):
                version = page.resource_version
                for raw in page.items:
                    engine.tenant_changed(None, raw)
            async for change in cluster.watch(Selection(TENANT), version):
                if change.type != "BOOKMARK":
                    engine.tenant_changed(change.type, change.object)
        except MunshiError:
            await asyncio.sleep(0.01)
