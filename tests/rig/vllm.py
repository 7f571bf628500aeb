"""vLLM on CPUs: its environment in the user's cache, and a model of random weights on a volume of a node."""

import json
import subprocess
from pathlib import Path

from rig.installed import NAMESPACE, Installed, Json
from rig.kubernetes import ROOT
from rig.pods import Manifest, pod

CLAIM = "munshi-e2e-models"
MODEL = "/models/tiny"
_DISK = "/var/munshi-e2e/models"
_CLASS = "munshi-e2e-models"
_MAKE = ROOT / "tests" / "rig" / "tiny_llama.py"


def set_up() -> bool:
    """Whether vLLM is there: it has gigabytes, so nobody has it who did not ask for it."""
    tool = ROOT / "tools" / "vllm"
    home = subprocess.run([tool, "--path"], check=True, capture_output=True, text=True).stdout.strip()
    return (Path(home) / "complete").exists()


def write_model(installed: Installed) -> None:
    """A volume of the node with a Llama of random weights, written by vLLM's own image as people fill one."""
    installed.node.exec("sh", "-c", f"mkdir -p {_DISK} && chmod 0777 {_DISK}")
    filler = _filler()
    made = {"apiVersion": "v1", "kind": "List", "items": [_volume(), _claim(), filler]}
    installed.kubectl("apply", "--filename", "-", stdin=json.dumps(made))
    name = filler["metadata"]["name"]
    installed.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=240s")
    installed.node.kubectl(
        *("--namespace", NAMESPACE, "exec", "-i", name, "--", "/usr/bin/python3", "-", MODEL),
        stdin=_MAKE.read_text(),
    )
    installed.kubectl("delete", f"pod/{name}", "--grace-period=0", "--force")


def remove_model(installed: Installed) -> None:
    """Takes volume and claim away."""
    installed.kubectl("delete", f"persistentvolumeclaim/{CLAIM}", "--ignore-not-found", "--timeout=240s")
    installed.node.kubectl("delete", f"persistentvolume/{CLAIM}", "--ignore-not-found", "--timeout=240s")
    installed.node.exec("rm", "-rf", _DISK)


def _volume() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": CLAIM},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": _CLASS,
            "claimRef": {"namespace": NAMESPACE, "name": CLAIM},
            "hostPath": {"path": _DISK},
        },
    }


def _claim() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": NAMESPACE, "name": CLAIM},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": _CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _filler() -> Manifest:
    made = pod("munshi-e2e-filler", image_name="vllm")
    container = made["spec"]["containers"][0]
    container["command"] = ["/usr/bin/python3", "-c", "import signal; signal.pause()"]
    container["volumeMounts"].append({"name": "models", "mountPath": "/models"})
    volume = {"name": "models", "persistentVolumeClaim": {"claimName": CLAIM}}
    made["spec"]["volumes"].append(volume)
    made["metadata"]["namespace"] = NAMESPACE
    return made
