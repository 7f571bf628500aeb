"""A cluster of this test session: an API server alone, or a whole node.

Made by `tools/local-cluster`: by kind where Docker answers, else from source. Looked at with the official
client, never with the operator's own.
"""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from munshi.embedded.processes import ProcessSpec, kill_group, start
from rig.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
_TOOL = ROOT / "tools" / "local-cluster"
_SLOTS = 10
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "munshi"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


class Unavailable(Exception):
    """This machine has no such cluster; the message says what is missing."""


def local_cluster(*arguments: str, by: str = "") -> str:
    """Runs `tools/local-cluster`; gives back what it prints. `by`: kind or source; else what it chooses.

    Raises:
        AssertionError: it failed; with what it said.
    """
    env = {**os.environ, **({"MUNSHI_CLUSTER": by} if by else {})}
    done = subprocess.run([_TOOL, *arguments], capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise AssertionError(f"local-cluster {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


@dataclass(eq=False)
class Cluster:
    """A running cluster."""

    name: str
    by: str
    """kind or source. Only a control plane from source has fake nodes."""
    kubeconfig: Path
    folder: Path
    """For logs of port-forwards."""

    @cached_property
    def client(self) -> Any:
        """An `ApiClient` of the official client, as the administrator."""
        from kubernetes import config

        return config.new_client_from_config(str(self.kubeconfig))  # type: ignore[no-untyped-call] # theirs

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl as the administrator; gives back what it prints.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = subprocess.run(
            [self.kubectl_program, "--kubeconfig", self.kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    @cached_property
    def kubectl_program(self) -> str:
        """Where the kubectl is that goes with it."""
        return self._local("kubectl").strip()

    def _local(self, command: str, *arguments: str) -> str:
        return local_cluster(command, "--name", self.name, *arguments, by=self.by)

    @contextlib.contextmanager
    def namespace(self, prefix: str = "test", labels: dict[str, str] | None = None) -> Iterator[str]:
        """A namespace, and everything in it gone afterwards (deletion is begun, not waited for)."""
        from kubernetes import client

        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        core = client.CoreV1Api(self.client)
        core.create_namespace(
            client.V1Namespace(metadata=client.V1ObjectMeta(name=name, labels=labels or {}))
        )
        try:
            yield name
        finally:
            core.delete_namespace(name)

    def restart_api(self) -> None:
        """Kills the API server; back when it answers again."""
        self._local("restart-api")

    def down(self) -> None:
        """Takes the cluster down."""
        self._local("down")


@dataclass(eq=False)
class Node(Cluster):
    """A cluster with a real node: pods are processes."""

    def load(self, *images: str) -> None:
        """Gives the node images that `make images` built, `ingress`, `demo-nats`, …, or archives."""
        self._local("load", *images)

    def tag(self, old: str, new: str) -> None:
        """One more name for an image on the node, `docker.io/munshi/ingress:0.1.0` say: an upgrade's."""
        self.exec("ctr", "--namespace", "k8s.io", "images", "tag", "--force", old, new)

    def exec(self, *command: str) -> str:
        """Runs a command inside the node, as its root."""
        return self._local("exec", *command)

    def restart(self) -> None:
        """As after a power cut: every pod killed, all started again. Back when the node is Ready."""
        self._local("restart-node")

    @contextlib.contextmanager
    def port(self, target: str, port: int, namespace: str, seconds: float = 30.0) -> Iterator[int]:
        """A local port that leads to `svc/…`, `pod/…` or `deployment/…`: to one pod, and to the next when its
        container ends, with which kubectl gives up."""
        log, local = self.folder / f"port-forward-{uuid.uuid4().hex[:8]}.log", free_port()
        again = ("/bin/sh", "-c", 'while :; do "$@"; sleep 0.5; done', "port-forward", self.kubectl_program)
        given = ("--kubeconfig", str(self.kubeconfig), "--namespace", namespace)
        spec = ProcessSpec("port-forward", (*again, *given, "port-forward", target, f"{local}:{port}"), log)
        process = start(spec)
        try:
            _until_forwarded(log, seconds)
            yield local
        finally:
            kill_group(process)


def _until_forwarded(log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if "Forwarding from 127.0.0.1:" in log.read_text():
            return
        time.sleep(0.02)
    raise AssertionError(f"no port was forwarded:\n{log.read_text()}")


@contextlib.contextmanager
def slot() -> Iterator[str]:
    """A name for a cluster that no other test session on this machine bears right now.

    Names are used again, so that an `up` finds and clears what a killed session left.
    """
    folder = _CACHE / "test-clusters"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_SLOTS):
        file: IO[bytes] = (folder / f"{number}.lock").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        try:
            yield f"test-{number}"
            return
        finally:
            file.close()
    raise Unavailable("ten test sessions have clusters on this machine")


def control_plane_by() -> str:
    """How a control plane is made: from source where that can be, even beside a kind; it is quicker.

    Raises:
        Unavailable: this machine can neither way; says why.
    """
    with contextlib.suppress(Unavailable):
        _check("source", "--control-plane-only")
        return "source"
    return node_by("--control-plane-only")


def node_by(*options: str) -> str:
    """How a node is made.

    Raises:
        Unavailable: this machine cannot; says why.
    """
    by = local_cluster("which").strip()
    _check(by, *options)
    return by


def _check(by: str, *options: str) -> None:
    try:
        local_cluster("check", *options, by=by)
        local_cluster("kubectl", by=by)
    except AssertionError as error:
        raise Unavailable(
            f"{str(error).splitlines()[-1]} (`make test-cluster` builds what is missing)"
        ) from error


def up(name: str, by: str, *options: str) -> Path:
    """Starts a cluster anew; it ends with this process, however that ends. Gives back its kubeconfig."""
    local_cluster("down", "--name", name, by=by)
    line = local_cluster("up", "--name", name, "--parent", str(os.getpid()), *options, by=by)
    return Path(line.strip().removeprefix("export KUBECONFIG="))


def build_images(*which: str) -> list[str]:
    """Builds the images whose inputs changed, all or those that the arguments of `tools/images.py` name.

    Gives back their short names.

    Raises:
        AssertionError: it failed; with what it said.
    """
    archives = ["--archives"] if local_cluster("which").strip() == "source" else []
    command: list[str | Path] = [sys.executable, ROOT / "tools" / "images.py", *archives, *which]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"images:\n{done.stdout}{done.stderr}")
    return re.findall(r"^  docker\.io/munshi/([a-z-]+):", done.stdout, re.MULTILINE)
