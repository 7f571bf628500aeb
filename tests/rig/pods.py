"""Manifests of plain pods that pass Pod Security `restricted`: what the images themselves can be shown on."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

Manifest = dict[str, Any]
TAG = "0.1.0"
DATA = "/data"


def image(name: str) -> str:
    """Full name of an image built here."""
    return f"docker.io/munshi/{name}:{TAG}"


def pod(
    name: str,
    *,
    image_name: str | None = None,
    env: Mapping[str, str] | None = None,
    args: Sequence[str] | None = None,
    secrets: Mapping[str, str] | None = None,
    port: int | None = None,
    path: str = "/readyz",
) -> Manifest:
    """A pod with a read-only root, a volume at /data and one at /tmp.

    `secrets`: mount path -> Secret. `port`: it is Ready when `path` answers there; no path: when it opens.
    """
    secrets = secrets or {}
    container: Manifest = {
        "name": "main",
        "image": image(image_name or name),
        "imagePullPolicy": "Never",
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": DATA},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            *({"name": secret, "mountPath": at, "readOnly": True} for at, secret in secrets.items()),
        ],
    }
    if args is not None:
        container["args"] = list(args)
    if port is not None:
        probe = {"httpGet": {"path": path, "port": port}} if path else {"tcpSocket": {"port": port}}
        container["readinessProbe"] = {**probe, "periodSeconds": 1, "failureThreshold": 60}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            # no runAsUser: it is the image that names a numeric user
            "securityContext": {
                "runAsNonRoot": True,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [
                {"name": "data", "emptyDir": {}},
                {"name": "tmp", "emptyDir": {}},
                *({"name": secret, "secret": {"secretName": secret}} for secret in secrets.values()),
            ],
        },
    }


def service(name: str, port: int) -> Manifest:
    """A Service before the pod of that name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": port}]},
    }


def secret(name: str, contents: Mapping[str, str]) -> Manifest:
    """A Secret with these files."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in contents.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def manifests(*objects: Manifest) -> str:
    """What `kubectl apply -f -` takes."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
