"""A Prometheus that reads what is installed, and judges by the chart's rules or tells an autoscaler."""

import base64
import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from chart.programs import CHART, program
from munshi.embedded.processes import ProcessSpec, kill_group, start
from rig.installed import NAMESPACE, RELEASE, SHOPS, Installed
from rig.ports import free_ports
from rig.waiting import wait_for

Target = dict[str, str]
"""Labels of one that is read."""


@dataclass(frozen=True)
class Alerting:
    """A running Prometheus."""

    url: str
    _read: set[str] = field(init=False, default_factory=set)
    """Addresses of pods that were read."""

    def raised(self) -> set[str]:
        """Names of the alerts whose expression holds now: those that are pending, and those that fire."""
        answer = self._get("alerts")
        return {one["labels"]["alertname"] for one in answer["data"]["alerts"]}

    def ready(self) -> bool:
        """Whether every pod was read at least once."""
        try:
            targets = self._get("targets")["data"]["activeTargets"]
        except OSError:
            return False
        # Remembered: a busy machine has hardly a moment at which the last try of all of them succeeded.
        self._read.update(one["scrapeUrl"] for one in targets if one["health"] == "up")
        return bool(targets) and self._read >= {one["scrapeUrl"] for one in targets}

    def _get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}", timeout=10) as answer:  # noqa: S310 # ours
            return json.load(answer)


@contextmanager
def alerting(installed: Installed, folder: Path) -> Iterator[Alerting]:
    """Starts one in a folder of its own; it has read every pod once."""
    (folder / "rules.yaml").write_text(json.dumps({"groups": _groups(installed)}))
    targets = [target(pod) for pod in _pods(installed)]
    with prometheus(installed, folder, targets) as made:
        yield made


@contextmanager
def prometheus(
    installed: Installed, folder: Path, targets: Sequence[Target], host: str = "127.0.0.1"
) -> Iterator[Alerting]:
    """Starts one on an address of this machine; it has read every target once."""
    port = free_ports(1)
    (folder / "prometheus.yaml").write_text(json.dumps(_config(installed, folder, targets)))
    arguments = (
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={host}:{port}",
        "--log.level=warn",
    )
    spec = ProcessSpec("prometheus", (str(program("prometheus")), *arguments), folder / "prometheus.log")
    process = start(spec)
    made = Alerting(f"http://{host}:{port}")
    try:
        wait_for(made.ready, "Prometheus has read every pod")
        yield made
    finally:
        kill_group(process)


def _groups(installed: Installed) -> Any:
    """The rules as the chart makes them."""
    rules = "demo.enabled=true,monitoring.rules.enabled=true"
    shown = ("--show-only", "templates/monitoring/rules.yaml", "--kube-version", "1.34")
    rendered = installed.helm("template", RELEASE, str(CHART), "--set", rules, *shown)
    return yaml.safe_load(rendered)["spec"]["groups"]


def _config(installed: Installed, folder: Path, targets: Sequence[Target]) -> dict[str, Any]:
    """Reads these pods by way of the API server, labelled as the chart's PodMonitors label them."""
    kubeconfig = yaml.safe_load(installed.node.kubeconfig.read_text())
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    tls = {
        "ca_file": _file(cluster, "certificate-authority", folder),
        "cert_file": _file(user, "client-certificate", folder),
        "key_file": _file(user, "client-key", folder),
    }
    address = urlsplit(cluster["server"]).netloc
    return {
        "global": {"scrape_interval": "5s", "scrape_timeout": "5s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "*rules.yaml")],
        "scrape_configs": [
            {
                "job_name": NAMESPACE,
                "scheme": "https",
                "tls_config": tls,
                "static_configs": [{"targets": [address], "labels": labels} for labels in targets],
            }
        ],
    }


def _pods(installed: Installed) -> list[Any]:
    """Those that are there now. Debian's Prometheus finds none by itself.

    Not those of other tests' namespaces, which may be on their way out.
    """
    ours = "app.kubernetes.io/part-of=munshi,app.kubernetes.io/component in (ingress,orchestrator,operator)"
    return [pod for namespace in (NAMESPACE, SHOPS) for pod in installed.pods(ours, namespace)]


def target(pod: Any, port: int = 8080) -> Target:
    """One pod, and the port at which it tells."""
    meta = pod["metadata"]
    namespace, name = meta["namespace"], meta["name"]
    return {
        "__metrics_path__": f"/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/metrics",
        "namespace": namespace,
        "pod": name,
        "instance": f"{namespace}/{name}",
        "tenant": meta["labels"].get("munshi.dev/tenant", "pool"),
    }


def _file(where: dict[str, str], name: str, folder: Path) -> str:
    """A certificate or key of a kubeconfig, as a file."""
    if name in where:
        return where[name]
    written = folder / name
    written.write_bytes(base64.b64decode(where[f"{name}-data"]))
    return str(written)
