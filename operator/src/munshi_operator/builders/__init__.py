"""From one tenant to the objects that serve it on the cluster. Pure: no clock, no chance, no I/O.

The same input gives the same objects, byte for byte, and a new version of the operator gives pod templates of
the same `munshi.dev/config`: it restarts no pod by itself.
"""

from munshi.contracts.tenant import Isolation
from munshi_operator.builders.access import service_account, service_secret
from munshi_operator.builders.blueprint import Blueprint, parse_blueprint
from munshi_operator.builders.plan import Plan
from munshi_operator.builders.policies import network_policy
from munshi_operator.builders.routes import pooled_route, route, service
from munshi_operator.builders.scaling import disruption_budget, scaler
from munshi_operator.builders.workloads import deployment
from munshi_operator.types import CellAccess, Manifest, TenantObject

__all__ = ["Blueprint", "build_children", "parse_blueprint"]


def build_children(
    tenant: TenantObject, access: CellAccess, blueprint: Blueprint, *, orchestrator_replicas: int | None
) -> list[Manifest]:
    """All objects of a tenant, in an order in which they can be applied.

    Args:
        tenant: as observed.
        access: what opens the cell that serves it.
        blueprint: what the chart's values say.
        orchestrator_replicas: so many orchestrators, with no autoscaler beside (0 while it sleeps, and no
            media service either); `None`: as spec and blueprint say.
    """
    plan = Plan(tenant, access, blueprint, orchestrator_replicas)
    if tenant.tenant.spec.isolation is Isolation.POOLED:
        return pooled_route(plan)
    all_of_them = plan.components
    return [
        *(service_account(plan, one) for one in all_of_them),
        *(service_secret(plan, one) for one in all_of_them),
        *(policy for one in all_of_them for policy in network_policy(plan, one)),
        service(plan),
        *(disruption_budget(plan, one) for one in all_of_them),
        *(deployment(plan, one) for one in all_of_them),
        *(made for one in all_of_them for made in scaler(plan, one)),
        *route(plan),
    ]
