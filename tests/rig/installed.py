"""Munshi on a real node, installed as people do it: by helm, kubectl and docs/install.md."""

import base64
import json
import shlex
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from chart.programs import CHART, program
from rig.kubernetes import RESTRICTED, ROOT, Node
from rig.patient_client import PatientClient
from rig.waiting import wait_for

RELEASE = NAMESPACE = "munshi"
SHOPS = "shops"
"""The namespace of the tenants of `apply_shops`."""
STORAGE_CLASS = "munshi-e2e"
SERVERS = {
    **{name: f"data-munshi-demo-{name}-0" for name in ("emulator", "nats", "postgres")},
    "media": "munshi-pool-media",
}
"""What has a volume in the demo, with its claim."""
_DISKS = "/var/munshi-e2e"
_NATS_DISK_MEGABYTES = 192
SECONDS = 240
"""Bound of every wait: far above what is measured, so that a loaded machine fails no test."""
QUICK_SETTINGS = {
    # Waits that are minutes in production: how long they are is not what is tested.
    "operator.settings.MUNSHI_OPERATOR_IDLE_SECONDS": "5",
    "operator.settings.MUNSHI_OPERATOR_WAKE_POLL_SECONDS": "2",
    "pool.orchestrator.settings.MUNSHI_SETTLE_AFTER_SECONDS": "15",
    "tenants.orchestrator.settings.MUNSHI_SETTLE_AFTER_SECONDS": "15",
    "tenants.rollout.failSeconds": "30",
    "tenants.rollout.atOnce": "1",
}

Json = dict[str, Any]


@dataclass(eq=False)
class Installed:
    """The release `munshi` on a node, with the demo's servers on volumes that outlive their pods."""

    node: Node
    began: float = field(default_factory=time.monotonic)

    # --- the release ---------------------------------------------------------------------------------------

    def install(self, **values: str) -> None:
        """`helm install` as docs/install.md says, and waits until all pods are ready."""
        for server in SERVERS:
            self.new_disk(server)
        self.make_namespace(NAMESPACE)
        given = {"demo.enabled": "true", "demo.storageClass": STORAGE_CLASS, **QUICK_SETTINGS, **values}
        self.helm("install", RELEASE, str(CHART), *sets(given))
        self.until_rolled_out()

    def upgrade(self, **values: str) -> None:
        """`helm upgrade` with the values there are and some more; does not wait for pods."""
        self.helm("upgrade", RELEASE, str(CHART), "--reuse-values", *sets(values))

    def helm(self, *arguments: str) -> str:
        """Runs helm on the release's namespace.

        Raises:
            AssertionError: it failed; with what it said.
        """
        given = ("--kubeconfig", str(self.node.kubeconfig), "--namespace", NAMESPACE, *arguments)
        command = [str(program("helm")), *given]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        if done.returncode:
            raise AssertionError(f"helm {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    # --- kubectl -------------------------------------------------------------------------------------------

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """In the release's namespace, unless another is named."""
        return self.node.kubectl("--namespace", NAMESPACE, *arguments, stdin=stdin, check=check)

    def objects(self, kind: str, namespace: str = NAMESPACE, labels: str = "") -> list[Json]:
        """All of a kind."""
        chosen = ("--selector", labels) if labels else ()
        found = self.node.kubectl("--namespace", namespace, "get", kind, "--output=json", *chosen)
        items: list[Json] = json.loads(found)["items"]
        return items

    def pods(self, labels: str, namespace: str = NAMESPACE) -> list[Json]:
        """Pods that are not on their way out."""
        found = self.objects("pods", namespace, labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def secret(self, name: str, namespace: str = NAMESPACE) -> dict[str, str]:
        """What a Secret holds, decoded."""
        data = json.loads(self.node.kubectl("--namespace", namespace, "get", "secret", name, "--output=json"))
        return {key: base64.b64decode(value).decode() for key, value in data["data"].items()}

    def until_rolled_out(self) -> None:
        """Waits until all that the chart makes runs in its newest form."""
        for kind in ("statefulset", "deployment"):
            for one in self.objects(kind):
                name = one["metadata"]["name"]
                self.kubectl("rollout", "status", f"{kind}/{name}", f"--timeout={SECONDS}s")

    def cut_power(self) -> None:
        """The node goes off and on again; waits until each container runs anew.

        For a while after it the API server still tells of every pod what was true before.
        """
        before = self._starts()
        self.node.restart()

        def anew() -> bool:
            now = self._starts()
            return not any(now.get(container) == count for container, count in before.items())

        wait_for_cluster(anew, "every container was started anew")
        self.until_rolled_out()

    def _starts(self) -> dict[tuple[str, str], int]:
        """How often each running container of the node was started again: (pod's uid, name) -> times."""
        pods = json.loads(self.node.kubectl("get", "pods", "--all-namespaces", "--output=json"))["items"]
        return {
            (pod["metadata"]["uid"], status["name"]): status["restartCount"]
            for pod in pods
            for status in pod["status"].get("containerStatuses", ())
            if pod["status"]["phase"] == "Running"
        }

    def until_ready(self, namespace: str, *names: str, condition: str = "Ready") -> None:
        """`kubectl wait`, as people do; of all tenants of a namespace, or some."""
        which = [f"wat/{name}" for name in names] or ["wat", "--all"]
        self.node.kubectl(
            "--namespace", namespace, "wait", f"--for=condition={condition}", *which, f"--timeout={SECONDS}s"
        )

    def make_namespace(self, name: str) -> None:
        """One that takes restricted pods only, as docs/install.md advises."""
        self.node.kubectl("create", "namespace", name)
        self.node.kubectl(
            "label", "namespace", name, *(f"{label}={value}" for label, value in RESTRICTED.items())
        )

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """A namespace of tenants; they are deleted before it goes."""
        self.make_namespace(name)
        try:
            yield name
        finally:
            self.node.kubectl("--namespace", name, "delete", "wat", "--all", f"--timeout={SECONDS}s")
            self.node.kubectl("delete", "namespace", name, "--wait=false")

    # --- eyes ----------------------------------------------------------------------------------------------

    def metrics(self, pod: Json, port: int = 8080) -> "Metrics":
        """What a pod tells Prometheus, by way of the API server."""
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{port}/proxy/metrics"
        return Metrics(self.node.kubectl("get", "--raw", path))

    def leader_metric(self, name: str) -> float:
        """A figure of the operator's leading replica.

        Raises:
            AssertionError: none leads right now.
        """
        for pod in self.pods("app.kubernetes.io/component=operator"):
            metrics = self.metrics(pod)
            if metrics.total("munshi_operator_leader") == 1:
                return metrics.total(name)
        raise AssertionError("no replica of the operator leads")

    def sql(self, query: str) -> list[list[str]]:
        """Rows of a query, as the superuser, in the pod of the demo's PostgreSQL."""
        psql = (
            f"psql -h 127.0.0.1 -U postgres -d munshi -AtX -F '\t' -v ON_ERROR_STOP=1 -c {shlex.quote(query)}"
        )
        told = self.in_postgres(psql)
        return [line.split("\t") for line in told.splitlines()]

    def unknown_sends(self) -> int:
        """Sends of which nobody knows yet whether Meta took them: their answer was lost."""
        lost = (
            "state = 'unsettled' or (state = 'sending' and sending_at < clock_timestamp() - interval '5 s')"
        )
        return int(self.sql(f"select count(*) from outbox where {lost}")[0][0])

    def in_postgres(self, command: str, stdin: str | None = None) -> str:
        """A shell command beside the demo's PostgreSQL, with its superuser's password."""
        script = f"PGPASSWORD=$POSTGRES_PASSWORD {command}"
        return self.kubectl("exec", "-i", "munshi-demo-postgres-0", "--", "sh", "-c", script, stdin=stdin)

    def python(self, pod: str, namespace: str, script: str, *arguments: str) -> str:
        """Runs a script inside a pod, by the image's own Python and packages; gives back what it prints."""
        return self.node.kubectl(
            "--namespace",
            namespace,
            "exec",
            "-i",
            pod,
            "--",
            "/usr/bin/python3",
            "-",
            *arguments,
            stdin=script,
        )

    @asynccontextmanager
    async def emulator(self) -> AsyncIterator[PatientClient]:
        """The stand-in for Meta, by a port of this machine."""
        with self.node.port("svc/munshi-demo-emulator", 8010, NAMESPACE) as port:
            async with PatientClient(f"http://127.0.0.1:{port}") as client:
                yield client

    # --- volumes -------------------------------------------------------------------------------------------

    def disk(self, server: str) -> str:
        """Where the volume of a server of the demo lies on the node."""
        return f"{_DISKS}/{server}"

    def new_disk(self, server: str) -> None:
        """An empty volume for a server of the demo, as a cloud would make it; what was there is lost.

        NATS gets a small file system of its own.
        """
        self._forget_disk(server)
        folder = self.disk(server)
        made = f"mkdir -p {folder} && find {folder} -mindepth 1 -delete && chmod 0777 {folder}"
        if server == "nats":
            size = f"size={_NATS_DISK_MEGABYTES}m,mode=0777"
            made = f"mkdir -p {folder}; umount {folder} 2>/dev/null; mount -t tmpfs -o {size} tmpfs {folder}"
        self.node.exec("sh", "-c", made)
        self.node.kubectl("apply", "--filename", "-", stdin=json.dumps(_volume(server, folder)))

    def _forget_disk(self, server: str) -> None:
        self.node.kubectl(
            "delete",
            "persistentvolume",
            f"munshi-e2e-{server}",
            "--ignore-not-found",
            f"--timeout={SECONDS}s",
        )

    @contextmanager
    def provisioner(self) -> Iterator[None]:
        """Brings an empty volume for each whose claim was deleted, as a cloud's storage class does."""
        ended = threading.Event()

        def serve() -> None:
            while not ended.wait(0.5):
                with suppress(AssertionError):
                    for server in self._released():
                        self.new_disk(server)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield
        finally:
            ended.set()
            serving.join()

    def _released(self) -> list[str]:
        found = json.loads(self.node.kubectl("get", "persistentvolumes", "--output=json"))["items"]
        names = [one["metadata"]["name"] for one in found if one.get("status", {}).get("phase") == "Released"]
        return [server for server in SERVERS if f"munshi-e2e-{server}" in names]


@dataclass(frozen=True)
class Metrics:
    """The text of a `/metrics`."""

    text: str

    def total(self, name: str, **labels: str) -> float:
        """Sum of the series of this name with these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@dataclass(frozen=True)
class Shops:
    """The tenants of the namespace `shops`."""

    namespace: str
    numbers: dict[str, str]
    """Phone number id of each tenant."""
    dedicated: tuple[str, ...]
    seconds: float
    """From the first `kubectl apply` until all were Ready."""

    @property
    def pooled(self) -> tuple[str, ...]:
        """The others."""
        return tuple(name for name in self.numbers if name not in self.dedicated)


def apply_shops(installed: Installed) -> Shops:
    """Applies them and waits until they are Ready, as docs/install.md says."""
    node, second = installed.node, "verma-medical"
    installed.make_namespace(SHOPS)
    began = time.monotonic()
    node.kubectl("apply", "--filename", str(ROOT / "examples"))
    node.kubectl("apply", "--filename", "-", stdin=tenant(second, SHOPS, "106540352249999"))
    installed.until_ready(SHOPS)
    seconds = time.monotonic() - began
    found = {one["metadata"]["name"]: one["spec"] for one in installed.objects("wat", SHOPS)}
    return Shops(
        SHOPS,
        {name: spec["whatsapp"]["phoneNumbers"][0]["phoneNumberID"] for name, spec in found.items()},
        tuple(sorted(name for name, spec in found.items() if spec["isolation"] == "Dedicated")),
        seconds,
    )


def sets(values: Mapping[str, str]) -> list[str]:
    """`--set` for each value; a string stays one."""
    given = []
    for name, value in values.items():
        kind = "--set-string" if ".settings." in name else "--set"
        given += [kind, f"{name}={value}"]
    return given


def _volume(server: str, folder: str) -> Json:
    claim = {"namespace": NAMESPACE, "name": SERVERS[server]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"munshi-e2e-{server}"},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            "claimRef": claim,
            "hostPath": {"path": folder},
        },
    }


def tenant(
    name: str,
    namespace: str,
    number: str,
    *,
    isolation: str = "Dedicated",
    deletion: str = "Delete",
    **spec: Any,
) -> str:
    """A tenant with its Secret, as `kubectl apply` takes it."""
    token = f"{namespace}-{name}"
    keys = ("app-secret", "access-token", "verify-token")
    resource = {
        "apiVersion": "munshi.dev/v1alpha1",
        "kind": "WhatsAppTenant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "displayName": name,
            "assistant": "Ledger",
            "isolation": isolation,
            "deletionPolicy": deletion,
            "whatsapp": {
                "businessAccountID": f"9{number}",
                "phoneNumbers": [{"phoneNumberID": number}],
                "secretRef": {"name": f"{name}-whatsapp"},
            },
            # All tests on one release make entries of the same tenants' month.
            "limits": {
                "messagesPerSecondPerCustomer": 100,
                "messagesPerDayPerCustomer": 100_000,
                "transactionsPerMonth": 1_000_000,
            },
            **spec,
        },
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}-whatsapp", "namespace": namespace},
        "stringData": {key: f"demo-{key}-of-{token}" for key in keys},
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, resource]})


def wait_for_cluster(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Polls a question that may fail while things move."""

    def asked() -> Any:
        with suppress(AssertionError):
            return condition()
        return None

    return wait_for(asked, what, seconds)
