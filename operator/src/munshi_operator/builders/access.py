"""Who a tenant's pods are, and the files of their cell. Pure."""

import base64
import json
from collections.abc import Mapping

from munshi_operator.builders.names import INGRESS, MEDIA, ORCHESTRATOR
from munshi_operator.builders.plan import Plan
from munshi_operator.types import CellAccess, Manifest


def service_account(plan: Plan, component: str) -> Manifest:
    """An account of its own, with no rights on the API and no token: the pods never ask the API server."""
    return plan.object(
        ("v1", "ServiceAccount"), plan.named(component), component, {"automountServiceAccountToken": False}
    )


def secret_name(plan: Plan, component: str) -> str:
    """Name of the Secret with a component's cell."""
    return plan.named(f"munshi-{component}")


def service_secret(plan: Plan, component: str) -> Manifest:
    """The folder of `munshi.cells` as a Secret. The orchestrator alone has a way to the database,
    the media service alone to the object store."""
    return plan.object(
        ("v1", "Secret"),
        secret_name(plan, component),
        component,
        {"type": "Opaque", "data": encoded(cell_files(plan.access, component))},
    )


def encoded(files: Mapping[str, str]) -> dict[str, str]:
    """Files as the `data` of a Secret."""
    return {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}


def cell_files(access: CellAccess, component: str) -> dict[str, str]:
    """The files that a component's pods are given, as `munshi.cells` reads them."""
    creds = {
        INGRESS: access.ingress_creds,
        ORCHESTRATOR: access.orchestrator_creds,
        MEDIA: access.media_creds,
    }[component]
    files = {
        "cell.json": json.dumps({"cell": access.cell, "partitions": access.partitions}),
        "nats-url": access.nats_url,
        "sealing-key": access.sealing_key,
    }
    if creds is not None:
        files["nats.creds"] = creds
    if component == ORCHESTRATOR:
        files["database-url"] = access.database_url
    if component == MEDIA and access.object_store is not None:
        files["object-store.json"] = access.object_store
    return files
