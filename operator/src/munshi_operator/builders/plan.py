"""What all builders of one tenant lean on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from munshi_operator.builders.blueprint import Blueprint, Workload
from munshi_operator.builders.names import INGRESS, MEDIA, ORCHESTRATOR, child_name, labels, owner_of
from munshi_operator.types import CellAccess, Manifest, TenantObject

PORT = 8080
"""Where a pod listens: webhooks, health and metrics."""
PORT_NAME = "http"
SERVICE_PORT = 80


@dataclass(frozen=True, slots=True)
class Plan:
    """One tenant's objects, before they are spelled out."""

    tenant: TenantObject
    access: CellAccess
    blueprint: Blueprint
    orchestrator_replicas: int | None
    """A number: so many, whatever else is said. `None`: spec and blueprint decide."""

    @property
    def name(self) -> str:
        """The tenant's name."""
        return self.tenant.tenant.metadata.name

    @property
    def namespace(self) -> str:
        """Where the tenant and its objects lie."""
        return self.tenant.tenant.metadata.namespace

    @property
    def inherited(self) -> dict[str, str]:
        """Labels taken over from the tenant."""
        given = self.tenant.tenant.metadata.labels
        return {key: given[key] for key in self.blueprint.inherit_labels if key in given}

    @property
    def components(self) -> tuple[str, ...]:
        """What runs for a dedicated tenant. The media service needs an object store."""
        with_media = self.blueprint.media is not None and self.access.object_store is not None
        return (INGRESS, ORCHESTRATOR, MEDIA) if with_media else (INGRESS, ORCHESTRATOR)

    @property
    def folder(self) -> str:
        """Where the media service keeps files on a volume of its own pod, which goes with it (for a try);
        empty: it keeps them in a bucket."""
        url = str(orjson.loads(self.access.object_store or "{}").get("url", ""))
        return url.removeprefix("file://") if url.startswith("file://") else ""

    def workload(self, component: str) -> Workload:
        """What the blueprint says of a component that runs."""
        if component == MEDIA and self.blueprint.media is not None:
            return self.blueprint.media
        return self.blueprint.ingress if component == INGRESS else self.blueprint.orchestrator

    def named(self, suffix: str) -> str:
        """Name of a child."""
        return child_name(self.name, suffix)

    def labels(self, component: str) -> dict[str, str]:
        """Labels of an object; ours win over what is inherited."""
        return {**self.blueprint.labels, **self.inherited, **labels(self.name, component)}

    def object(
        self,
        kind: tuple[str, str],
        name: str,
        component: str,
        body: Mapping[str, Any],
        annotations: Mapping[str, str] | None = None,
    ) -> Manifest:
        """A whole object; `kind` is apiVersion and kind."""
        metadata: Manifest = {
            "name": name,
            "namespace": self.namespace,
            "labels": self.labels(component),
            "ownerReferences": [owner_of(self.tenant)],
        }
        if annotations:
            metadata["annotations"] = dict(annotations)
        return {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, **body}
