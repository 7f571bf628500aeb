"""The pool's Secrets in the release's namespace: what the chart's pool pods are given."""

import base64
import json

from munshi_operator.api import Cluster
from munshi_operator.drift import mark_of, stamped
from munshi_operator.kinds import ref_of
from munshi_operator.types import CellAccess, Manifest

_LABELS = {
    "app.kubernetes.io/instance": "pool",
    "app.kubernetes.io/part-of": "munshi",
    "app.kubernetes.io/managed-by": "munshi-operator",
}


def pool_secrets(access: CellAccess, namespace: str) -> list[Manifest]:
    """The folder of `munshi.cells` for the pool's ingress and its orchestrator. Pure."""
    files = {
        "cell.json": json.dumps({"cell": access.cell, "partitions": access.partitions}),
        "nats-url": access.nats_url,
        "sealing-key": access.sealing_key,
    }
    ingress, orchestrator = dict(files), {**files, "database-url": access.database_url}
    if access.ingress_creds is not None:
        ingress["nats.creds"] = access.ingress_creds
    if access.orchestrator_creds is not None:
        orchestrator["nats.creds"] = access.orchestrator_creds
    return [_secret("ingress", ingress, namespace), _secret("orchestrator", orchestrator, namespace)]


async def ensure_pool(cluster: Cluster, access: CellAccess, namespace: str) -> int:
    """Writes the two Secrets where they differ; returns how many were written.

    Asked once at the start of a leader, and read then: they are no tenant's, so no watch tells of them.
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
                **_LABELS,
                "app.kubernetes.io/name": f"munshi-{component}",
                "app.kubernetes.io/component": component,
            },
        },
        "type": "Opaque",
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in files.items()},
    }
