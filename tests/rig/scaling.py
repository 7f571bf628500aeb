"""KEDA on a node, as its own manifests install it, out of the images that `make keda` builds."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.schemas import Loader
from rig.installed import SECONDS
from rig.kubernetes import ROOT, Node

_IMAGES = {
    "keda-operator": "docker.io/munshi-tests/keda:v2.21.0",
    "keda-metrics-apiserver": "docker.io/munshi-tests/keda-adapter:v2.21.0",
}


def built() -> Path:
    """Where KEDA is. Skips the test with the reason where it is not."""
    tool = ROOT / "tools" / "keda"
    path = Path(subprocess.run([tool, "--path"], check=True, capture_output=True, text=True).stdout.strip())
    if not (path / "complete").exists():
        pytest.skip("KEDA is not built: run `make keda` (Go needed, some minutes)")
    return path


@contextmanager
def keda(node: Node) -> Iterator[None]:
    """Operator and server of metrics in a namespace of their own, ready; gone afterwards."""
    home = built()
    node.load(*(str(archive) for archive in sorted((home / "images").glob("*.tar"))))
    manifests = yaml.safe_dump_all([_ours(one) for one in _objects(node, home)])
    try:
        node.kubectl("apply", "--server-side", "--filename", "-", stdin=manifests)
        for name in _IMAGES:
            node.kubectl(
                *("--namespace", "keda", "rollout", "status"), f"deployment/{name}", f"--timeout={SECONDS}s"
            )
        node.kubectl(
            *("wait", "apiservice/v1beta1.external.metrics.k8s.io", "--for=condition=Available"),
            f"--timeout={SECONDS}s",
        )
        yield
    finally:
        node.kubectl(
            *("delete", "--filename", "-", "--ignore-not-found", f"--timeout={SECONDS}s"), stdin=manifests
        )


def _objects(node: Node, home: Path) -> list[Any]:
    """Its definitions, rights and programs, without the webhook that only checks what people write."""
    made = node.kubectl("kustomize", str(home / "config" / "minimal"))
    return [one for one in yaml.load_all(made, Loader) if one]


def _ours(manifest: Any) -> Any:
    """The same with the image that was built, and ready as soon as it is."""
    if manifest["kind"] == "Deployment":
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        container["image"] = _IMAGES[manifest["metadata"]["name"]]
        container["imagePullPolicy"] = "Never"
        container["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=1)
        # These images name no user; its makers' name this one.
        container["securityContext"]["runAsUser"] = 65532
    return manifest
