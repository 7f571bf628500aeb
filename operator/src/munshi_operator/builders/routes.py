"""What leads a tenant's webhooks to its pods. Pure."""

from typing import Any

from munshi_operator.builders.blueprint import RouteKind
from munshi_operator.builders.names import INGRESS, selector
from munshi_operator.builders.plan import PORT_NAME, SERVICE_PORT, Plan
from munshi_operator.types import Manifest


def webhook_path(plan: Plan) -> str:
    """The tenant's path, whole: it takes precedence over the pool's route, which takes all paths below."""
    return f"/webhooks/whatsapp/{plan.tenant.key}"


def service(plan: Plan) -> Manifest:
    """The tenant's ingress, by one address inside the cluster."""
    spec = {
        "type": "ClusterIP",
        "selector": selector(plan.name, INGRESS),
        "ports": [{"name": PORT_NAME, "port": SERVICE_PORT, "targetPort": PORT_NAME, "protocol": "TCP"}],
    }
    return plan.object(("v1", "Service"), plan.named(INGRESS), INGRESS, {"spec": spec})


def route(plan: Plan) -> list[Manifest]:
    """The route of a dedicated tenant, of the kind that the blueprint asks for."""
    kind = plan.blueprint.route.kind
    if kind is RouteKind.HTTP_ROUTE:
        return [_http_route(plan, {"name": plan.named(INGRESS), "port": SERVICE_PORT})]
    return [_ingress(plan)] if kind is RouteKind.INGRESS else []


def pooled_route(plan: Plan) -> list[Manifest]:
    """The route of a pooled tenant, where each is asked to have one."""
    pool = plan.blueprint.route.pool
    if pool is None:
        return []
    return [_http_route(plan, {"name": pool.name, "namespace": pool.namespace, "port": pool.port})]


def _http_route(plan: Plan, backend: dict[str, Any]) -> Manifest:
    wanted = plan.blueprint.route
    gateway = wanted.gateway
    parent: dict[str, Any] = {}
    if gateway is not None:
        parent = {"name": gateway.name, "namespace": gateway.namespace}
        if gateway.section_name:
            parent["sectionName"] = gateway.section_name
    path = {"type": "Exact", "value": webhook_path(plan)}
    spec: dict[str, Any] = {
        "parentRefs": [parent],
        "rules": [{"matches": [{"path": path}], "backendRefs": [backend]}],
    }
    if wanted.host:
        spec["hostnames"] = [wanted.host]
    kind = ("gateway.networking.k8s.io/v1", "HTTPRoute")
    return plan.object(kind, plan.named("webhook"), INGRESS, {"spec": spec}, wanted.annotations)


def _ingress(plan: Plan) -> Manifest:
    wanted = plan.blueprint.route
    backend = {"service": {"name": plan.named(INGRESS), "port": {"name": PORT_NAME}}}
    path = {"path": webhook_path(plan), "pathType": "Exact", "backend": backend}
    rule: dict[str, Any] = {"http": {"paths": [path]}}
    if wanted.host:
        rule["host"] = wanted.host
    spec: dict[str, Any] = {"rules": [rule]}
    if wanted.ingress_class_name:
        spec["ingressClassName"] = wanted.ingress_class_name
    if wanted.tls_secret_name:
        hosts = {"hosts": [wanted.host]} if wanted.host else {}
        spec["tls"] = [{"secretName": wanted.tls_secret_name, **hosts}]
    kind = ("networking.k8s.io/v1", "Ingress")
    return plan.object(kind, plan.named("webhook"), INGRESS, {"spec": spec}, wanted.annotations)
