"""How many pods there are, and how many must stay. Pure."""

from typing import Any

from munshi_operator.builders.blueprint import ScalerKind
from munshi_operator.builders.names import MEDIA, ORCHESTRATOR, selector
from munshi_operator.builders.plan import Plan
from munshi_operator.types import Manifest

_BEHAVIOUR = {"scaleDown": {"stabilizationWindowSeconds": 300}}
"""A burst is followed by another: pods are taken away after five quiet minutes."""
_POLL_SECONDS = 15


def replicas(plan: Plan, component: str) -> int | None:
    """Pods of a Deployment; `None` where an autoscaler decides, and the field is left to it."""
    if component == ORCHESTRATOR:
        if plan.orchestrator_replicas is not None:
            return plan.orchestrator_replicas
        if plan.tenant.tenant.spec.replicas is not None:
            return plan.tenant.tenant.spec.replicas
    if component == MEDIA and plan.orchestrator_replicas == 0:
        return 0  # it is asked by the orchestrator alone, which sleeps
    workload = plan.workload(component)
    return None if workload.max_replicas else workload.replicas


def disruption_budget(plan: Plan, component: str) -> Manifest:
    """At most one pod at a time is evicted. A broken one always may be, or a drain would hang."""
    body = {
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(plan.name, component)},
        }
    }
    return plan.object(("policy/v1", "PodDisruptionBudget"), plan.named(component), component, body)


def scaler(plan: Plan, component: str) -> list[Manifest]:
    """The autoscaler of a component, where it has one."""
    if replicas(plan, component) is not None:
        return []
    if component == ORCHESTRATOR and plan.blueprint.scaling.kind is ScalerKind.AGE:
        return [_by_age(plan, component)]
    return [_by_cpu(plan, component)]


def _target(plan: Plan, component: str) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": plan.named(component)}


def _by_cpu(plan: Plan, component: str) -> Manifest:
    workload, scaling = plan.workload(component), plan.blueprint.scaling
    target = {"type": "Utilization", "averageUtilization": scaling.cpu_percent}
    spec = {
        "scaleTargetRef": _target(plan, component),
        "minReplicas": workload.replicas,
        "maxReplicas": workload.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": _BEHAVIOUR,
    }
    kind = ("autoscaling/v2", "HorizontalPodAutoscaler")
    return plan.object(kind, plan.named(component), component, {"spec": spec})


def _by_age(plan: Plan, component: str) -> Manifest:
    workload, scaling = plan.workload(component), plan.blueprint.scaling
    query = scaling.query
    filled = {"namespace": plan.namespace, "tenant": plan.name, "workload": plan.named(component)}
    for name, value in filled.items():
        query = query.replace(f"{{{name}}}", value)
    trigger = {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": scaling.prometheus_url,
            "query": query,
            "threshold": str(scaling.oldest_seconds),
        },
    }
    spec = {
        "scaleTargetRef": _target(plan, component),
        "pollingInterval": _POLL_SECONDS,
        "minReplicaCount": workload.replicas,
        "maxReplicaCount": workload.max_replicas,
        # KEDA's own cooldownPeriod is for the last pod only.
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _BEHAVIOUR}},
        "triggers": [trigger],
    }
    return plan.object(("keda.sh/v1alpha1", "ScaledObject"), plan.named(component), component, {"spec": spec})
