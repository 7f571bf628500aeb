"""The pool's Secrets in the release's namespace: what the chart's pool pods are given."""

from munshi_operator.api import Cluster
from munshi_operator.builders.access import cell_files, encoded
from munshi_operator.builders.names import (
    COMPONENT_LABEL,
    INGRESS,
    INSTANCE_LABEL,
    MANAGER_LABEL,
    MEDIA,
    NAME_LABEL,
    ORCHESTRATOR,
)
from munshi_operator.drift import mark_of, stamped
from munshi_operator.kinds import ref_of
from munshi_operator.types import CellAccess, Manifest


def pool_secrets(access: CellAccess, namespace: str) -> list[Manifest]:
    """The folder of `munshi.cells` for the pool's ingress and orchestrator, and its media service where an
    object store is set up. Pure."""
    components = (INGRESS, ORCHESTRATOR, *((MEDIA,) if access.object_store is not None else ()))
    return [_secret(one, cell_files(access, one), namespace) for one in components]


async def ensure_pool(cluster: Cluster, access: CellAccess, namespace: str) -> int:
    """Writes the Secrets where they differ; returns how many were written.

    They are read for it: they are no tenant's, so no watch tells of them.
    """
    written = 0
    for manifest in pool_secrets(access, namespace):
        wanted = stamped(manifest)
        found = await cluster.get(ref_of(wanted))
        if found is None or mark_of(found) != mark_of(wanted) or found.get("data") != wanted["data"]:
            await cluster.apply(wanted)
            written += 1
    return written


def _secret(component: str, files: dict[str, str], namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"munshi-pool-{component}",
            "namespace": namespace,
            "labels": {
                NAME_LABEL: f"munshi-{component}",
                INSTANCE_LABEL: "pool",
                COMPONENT_LABEL: component,
                "app.kubernetes.io/part-of": "munshi",
                MANAGER_LABEL: "munshi-operator",
            },
        },
        "type": "Opaque",
        "data": encoded(files),
    }
