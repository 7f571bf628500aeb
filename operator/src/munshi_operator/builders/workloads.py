"""The Deployments of a dedicated tenant. Pure.

The pod template is spelled here once and for all: `tests/operator/unit/builders` holds it byte for byte,
since another spelling would replace the pods of every tenant. What pods must restart for is counted into
`munshi.dev/config`; credentials and a tenant's settings are not, they reach running pods by mounted files
and the registry.
"""

from typing import Any

from munshi_operator.builders.access import secret_name
from munshi_operator.builders.names import INGRESS, MEDIA, ORCHESTRATOR, labels, selector
from munshi_operator.builders.plan import PORT, PORT_NAME, Plan
from munshi_operator.builders.scaling import replicas
from munshi_operator.drift import CONFIG, digest
from munshi_operator.types import Manifest

CELLS_DIR = "/etc/munshi/cells"
LLM_KEYS_DIR = "/etc/munshi/llm-keys"
SERVICE_KEYS = {
    ORCHESTRATOR: {"MUNSHI_EMBEDDINGS_KEY": "embeddings-key"},
    MEDIA: {
        "MUNSHI_EMBEDDINGS_KEY": "embeddings-key",
        "MUNSHI_SPEECH_KEY": "speech-key",
        "MUNSHI_TTS_KEY": "tts-key",
    },
}
"""Settings that come out of a Secret, by component."""
_TEMPLATE = 1
"""Raised when pods must restart for a template of another shape."""
_OLD_SETS = 3
"""Old ReplicaSets kept, to go back to by hand; the usual ten would be 20 empty objects a tenant."""
_PROGRESS_SECONDS = 300
"""Without a new ready pod for so long the roll-out counts as stuck: twice a slow start, and a pull."""
_READ_BY_GROUP = 0o440
_READ_BY_ALL = 0o444
_TMP_BYTES = "64Mi"
_SPOOL_BYTES = "4Gi"
"""Of the media service: 32 files at once, of at most 100 MB each, with room for what is made of them."""
_OBJECTS_BYTES = "2Gi"


def deployment(plan: Plan, component: str) -> Manifest:
    """The pods of a component. A new one is ready before an old one goes."""
    name = plan.named(component)
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(plan.name, component)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "revisionHistoryLimit": _OLD_SETS,
        "progressDeadlineSeconds": _PROGRESS_SECONDS,
        "template": _template(plan, component),
    }
    count = replicas(plan, component)
    if count is not None:
        spec["replicas"] = count
    return plan.object(("apps/v1", "Deployment"), name, component, {"spec": spec})


def config_digest(plan: Plan, component: str) -> str:
    """Digest of all that a component's pods must restart for.

    Counts what the blueprint says, never what the builders add: a setting that a later operator knows, left
    at its default, changes nothing.
    """
    asked = plan.workload(component).model_dump(exclude_defaults=True, exclude={"replicas", "max_replicas"})
    shared = plan.blueprint.pods.model_dump(mode="json", exclude_defaults=True)
    wanted: dict[str, Any] = {"template": _TEMPLATE, "workload": asked, "pods": shared}
    wanted["labels"] = plan.inherited
    if component != INGRESS:
        wanted["graph"] = plan.blueprint.graph_url
    if component == MEDIA and plan.folder:
        wanted["folder"] = plan.folder
    if _with_llm_keys(plan, component):
        wanted["llmKeys"] = plan.blueprint.llm_keys_secret
    if plan.blueprint.service_keys_secret and component in SERVICE_KEYS:
        wanted["serviceKeys"] = plan.blueprint.service_keys_secret
    return digest(wanted)


def environment(plan: Plan, component: str) -> dict[str, str]:
    """Settings of a component, by their environment names."""
    own = {"MUNSHI_HOST": "0.0.0.0", "MUNSHI_PORT": str(PORT), "MUNSHI_CELLS_DIR": CELLS_DIR}  # noqa: S104 (a pod's own address)
    if component != INGRESS:
        own["MUNSHI_GRAPH_URL"] = plan.blueprint.graph_url
    if _with_llm_keys(plan, component):
        own["MUNSHI_LLM_KEYS_DIR"] = LLM_KEYS_DIR
    return {**own, **plan.workload(component).env}


def _secret_environment(plan: Plan, component: str) -> list[dict[str, Any]]:
    """Settings of a component that come out of a Secret."""
    secret = plan.blueprint.service_keys_secret
    if not secret:
        return []
    return [
        {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key, "optional": True}},
        }
        for name, key in SERVICE_KEYS.get(component, {}).items()
    ]


def _with_llm_keys(plan: Plan, component: str) -> bool:
    return component == ORCHESTRATOR and bool(plan.blueprint.llm_keys_secret)


def _template(plan: Plan, component: str) -> dict[str, Any]:
    return {
        "metadata": {
            "labels": {**plan.inherited, **labels(plan.name, component)},
            "annotations": {CONFIG: config_digest(plan, component)},
        },
        "spec": _pod(plan, component),
    }


def _pod(plan: Plan, component: str) -> dict[str, Any]:
    pods, workload = plan.blueprint.pods, plan.workload(component)
    spec: dict[str, Any] = {
        "serviceAccountName": plan.named(component),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": workload.grace_seconds,
        "securityContext": _pod_security(pods.run_as_user),
        "topologySpreadConstraints": [_spread(plan, component)],
        "containers": [_container(plan, component)],
        "volumes": _volumes(plan, component),
    }
    if pods.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in pods.image_pull_secrets]
    if pods.priority_class_name:
        spec["priorityClassName"] = pods.priority_class_name
    if pods.node_selector:
        spec["nodeSelector"] = dict(pods.node_selector)
    if pods.tolerations:
        spec["tolerations"] = list(pods.tolerations)
    return spec


def _volumes(plan: Plan, component: str) -> list[dict[str, Any]]:
    tmp = _SPOOL_BYTES if component == MEDIA else _TMP_BYTES
    volumes = [_cell_volume(plan, component), {"name": "tmp", "emptyDir": {"sizeLimit": tmp}}]
    if component == MEDIA and plan.folder:
        volumes.append({"name": "objects", "emptyDir": {"sizeLimit": _OBJECTS_BYTES}})
    if _with_llm_keys(plan, component):
        # Its files follow the Secret while the pod runs, also where it is made after the pod.
        keys = {"secretName": plan.blueprint.llm_keys_secret, "optional": True, "defaultMode": _mode(plan)}
        volumes.append({"name": "llm-keys", "secret": keys})
    return volumes


def _mounts(plan: Plan, component: str) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"name": "cell", "mountPath": f"{CELLS_DIR}/{plan.access.cell}", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (a volume of the pod)
    ]
    if component == MEDIA and plan.folder:
        mounts.append({"name": "objects", "mountPath": plan.folder})
    if _with_llm_keys(plan, component):
        mounts.append({"name": "llm-keys", "mountPath": LLM_KEYS_DIR, "readOnly": True})
    return mounts


def _cell_volume(plan: Plan, component: str) -> dict[str, Any]:
    return {
        "name": "cell",
        "secret": {"secretName": secret_name(plan, component), "defaultMode": _mode(plan)},
    }


def _mode(plan: Plan) -> int:
    """Of a Secret's files. Where the cluster chooses the user, it may give the volume no group to read by."""
    return _READ_BY_GROUP if plan.blueprint.pods.run_as_user else _READ_BY_ALL


def _pod_security(user: int | None) -> dict[str, Any]:
    """The profile `restricted`."""
    security: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if user is not None:
        security |= {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    return security


def _spread(plan: Plan, component: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": plan.blueprint.pods.topology_key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(plan.name, component)},
    }


def _container(plan: Plan, component: str) -> dict[str, Any]:
    workload, env = plan.workload(component), environment(plan, component)
    container: dict[str, Any] = {
        "name": component,
        "image": workload.image,
        "imagePullPolicy": plan.blueprint.pods.image_pull_policy,
        "env": [
            *({"name": name, "value": value} for name, value in sorted(env.items())),
            *_secret_environment(plan, component),
        ],
        "ports": [{"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        "resources": workload.resources.model_dump(exclude_defaults=True),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": _mounts(plan, component),
        **_probes(),
    }
    if workload.pre_stop_seconds:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": workload.pre_stop_seconds}}}
    return container


def _probes() -> dict[str, Any]:
    """Liveness is tied to progress, so it is slow to judge; readiness is quick. The start gets two minutes: a
    model is loaded, and the servers may still be coming."""
    return {
        "startupProbe": {**_asks("/healthz"), "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {
            **_asks("/healthz"),
            "periodSeconds": 10,
            "timeoutSeconds": 3,
            "failureThreshold": 3,
        },
        "readinessProbe": {
            **_asks("/readyz"),
            "periodSeconds": 3,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
        },
    }


def _asks(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": PORT_NAME}}
