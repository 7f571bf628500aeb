"""Names and labels of a tenant's objects. Pure."""

import hashlib

from munshi_operator.types import Manifest, TenantObject

INGRESS = "ingress"
ORCHESTRATOR = "orchestrator"
MEDIA = "media"

TENANT_LABEL = "munshi.dev/tenant"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
MANAGER_LABEL = "app.kubernetes.io/managed-by"

MOST = 46
"""Longest name: a pod's adds 17 characters to its Deployment's, and 63 fit a host name, which is the name of
a worker and must not be cut."""
_HASH = 8


def child_name(tenant: str, suffix: str) -> str:
    """`<tenant>-<suffix>`; where that does not fit, or begins with a digit (no Service may), it is cut and
    ends in a hash of the whole."""
    whole = f"{tenant}-{suffix}"
    if len(whole) <= MOST and whole[0].isalpha():
        return whole
    hashed = hashlib.sha256(whole.encode()).hexdigest()[:_HASH]
    head = tenant if tenant[0].isalpha() else f"t-{tenant}"
    room = MOST - len(suffix) - _HASH - 2
    return f"{head[:room].rstrip('-')}-{suffix}-{hashed}"


def selector(tenant: str, component: str) -> dict[str, str]:
    """What tells a component's pods from all others in the namespace. Must never change: a Deployment's
    selector cannot."""
    return {NAME_LABEL: f"munshi-{component}", INSTANCE_LABEL: tenant}


def labels(tenant: str, component: str) -> dict[str, str]:
    """Labels of every object of a component."""
    return {
        **selector(tenant, component),
        COMPONENT_LABEL: component,
        "app.kubernetes.io/part-of": "munshi",
        MANAGER_LABEL: "munshi-operator",
        TENANT_LABEL: tenant,
    }


def owner_of(tenant: TenantObject) -> Manifest:
    """The reference by which the cluster knows whose an object is."""
    return {
        "apiVersion": tenant.tenant.api_version,
        "kind": tenant.tenant.kind,
        "name": tenant.tenant.metadata.name,
        "uid": tenant.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
