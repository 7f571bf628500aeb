"""The cases of the builders' golden files: a tenant, a cell and a blueprint each. All secrets are invented.

`make golden` writes the files anew; the difference is what clusters would see, so read it.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import WhatsAppTenant
from munshi.provision.object_store import bucket_address, folder_address, object_store_text
from munshi_operator.builders import Blueprint, build_children, parse_blueprint
from munshi_operator.types import CellAccess, Manifest, TenantObject

GOLDEN = Path(__file__).parents[1] / "operator" / "unit" / "builders" / "golden"

SMALL = """
ingress:
  image: munshi/ingress:1.0.0
  replicas: 2
  preStopSeconds: 5
  resources: &small {requests: {cpu: 20m, memory: 80Mi}, limits: {memory: 192Mi}}
orchestrator: {image: "munshi/orchestrator:1.0.0", resources: *small}
route: {gateway: {name: munshi, namespace: munshi}}
"""
FULL = """
ingress:
  image: registry.example/munshi/ingress@sha256:0123456789abcdef
  replicas: 2
  maxReplicas: 6
  resources: {requests: {cpu: 0.5, memory: 80Mi}, limits: {memory: 192Mi}}
  env: {MUNSHI_DRAIN_SECONDS: "3", MUNSHI_LOG_LEVEL: debug}
  preStopSeconds: 5
  graceSeconds: 40
orchestrator:
  image: registry.example/munshi/orchestrator:1.0.0
  replicas: 1
  maxReplicas: 4
  resources: {requests: {cpu: 50m, memory: 192Mi}, limits: {memory: 384Mi}}
  env: {OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.observability:4318"}
graphUrl: http://munshi-emulator.munshi:8010
pods:
  imagePullPolicy: Always
  imagePullSecrets: [registry]
  runAsUser: null
  priorityClassName: munshi-messages
  topologyKey: topology.kubernetes.io/zone
  nodeSelector: {pool: messages}
  tolerations: [{key: messages, operator: Exists, effect: NoSchedule}]
route:
  kind: Ingress
  host: hooks.example
  ingressClassName: nginx
  annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 3m}
  tlsSecretName: hooks-tls
scaling: {kind: ScaledObject, prometheusUrl: "http://prometheus.observability:9090", oldestSeconds: 10}
networkPolicy:
  webhooksFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: gateway}}}]
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: observability}}}]
  nats: {ports: [4222], to: [{podSelector: {matchLabels: {app: nats}}, namespaceSelector: {}}]}
  database: {ports: [5432, 6432], to: [{ipBlock: {cidr: 10.1.2.0/24}}]}
  graph: {ports: [8010], to: [{podSelector: {matchLabels: {app: emulator}}, namespaceSelector: {}}]}
  extraEgress: [{ports: [{port: 4318, protocol: TCP}]}]
labels: {cluster: mumbai-1}
inheritLabels: [cost-centre, team]
"""
MEDIA = """
media:
  image: munshi/media:1.0.0
  resources: {requests: {cpu: 50m, memory: 320Mi}, limits: {memory: 1Gi}}
  env: {MUNSHI_TRITON_URL: "munshi-triton.munshi.svc:8001"}
networkPolicy:
  objectStore: {ports: [9000], to: [{podSelector: {matchLabels: {app: minio}}, namespaceSelector: {}}]}
  inference:
    - askedBy: [orchestrator, media]
      server: {ports: [8001], to: [{podSelector: {matchLabels: {app: triton}}, namespaceSelector: {}}]}
    - askedBy: [orchestrator]
      server: {ports: [8000], to: [{podSelector: {matchLabels: {app: vllm}}, namespaceSelector: {}}]}
"""
FULL_MEDIA = """
media:
  image: registry.example/munshi/media:1.0.0
  replicas: 2
  maxReplicas: 4
  resources: {requests: {cpu: 50m, memory: 320Mi}, limits: {memory: 1Gi}}
"""
POOLED_ROUTES = """
ingress: {image: "munshi/ingress:1.0.0"}
orchestrator: {image: "munshi/orchestrator:1.0.0"}
route:
  host: hooks.example
  gateway: {name: munshi, namespace: edge, sectionName: https}
  pool: {name: munshi-pool-ingress, namespace: munshi}
"""
LONG_NAME = "the-very-long-name-of-a-wholesaler-of-stationery-in-old-delhi"


def tenant(name: str = "sharma-kirana", labels: dict[str, str] | None = None, **spec: Any) -> TenantObject:
    """A dedicated Ledger tenant of the namespace `shops`, and what `spec` says otherwise."""
    document = {
        "apiVersion": "munshi.dev/v1alpha1",
        "kind": "WhatsAppTenant",
        "metadata": {"name": name, "namespace": "shops", "labels": labels or {}},
        "spec": {
            "displayName": "Sharma Kirana Store",
            "assistant": "Ledger",
            "whatsapp": {
                "businessAccountID": "102290129340398",
                "phoneNumbers": [{"phoneNumberID": "106540352242922"}],
                "secretRef": {"name": "sharma-kirana-whatsapp"},
            },
            **spec,
        },
    }
    return TenantObject(
        tenant=WhatsAppTenant.model_validate(document),
        uid="0b7c1b0e-8c4a-4a3e-9d57-5a2c2e6f1a11",
        generation=1,
        created=datetime(2026, 11, 1, tzinfo=UTC),
        deleting=None,
        resource_version="1",
        status={},
    )


def access(cell: CellName) -> CellAccess:
    """What opens a cell."""
    return CellAccess(
        cell=cell,
        partitions=16,
        nats_url="nats://nats.munshi:4222",
        ingress_creds="invented credentials of ingress",
        orchestrator_creds="invented credentials of the orchestrator",
        database_url="postgresql://shops_sharma-kirana:invented@postgres.munshi/munshi",
        sealing_key="5e" * 32,
    )


def with_bucket(cell: CellName) -> CellAccess:
    """What opens a cell that has a place in a bucket."""
    store = bucket_address(
        "s3://media",
        cell,
        endpoint="https://s3.example",
        region="ap-south-1",
        access_key="munshi0123",
        secret_key="invented",
    )
    creds = "invented credentials of the media service"
    return replace(access(cell), media_creds=creds, object_store=object_store_text(store))


def with_folder(cell: CellName) -> CellAccess:
    """What opens a cell that keeps files on volumes of its pods."""
    store = object_store_text(folder_address(Path("/data/objects"), cell))
    return replace(with_bucket(cell), object_store=store)


def children(
    one: TenantObject,
    blueprint: str | Blueprint = SMALL,
    replicas: int | None = None,
    opened: Callable[[CellName], CellAccess] = access,
) -> list[Manifest]:
    """The builders' answer."""
    parsed = parse_blueprint(blueprint) if isinstance(blueprint, str) else blueprint
    return build_children(one, opened(one.cell), parsed, orchestrator_replicas=replicas)


def open_server() -> list[Manifest]:
    """A NATS server without accounts: the cell has no credentials."""
    one = tenant()
    cell = replace(access(one.cell), ingress_creds=None, orchestrator_creds=None)
    return build_children(one, cell, parse_blueprint(SMALL), orchestrator_replicas=None)


def cases() -> dict[str, list[Manifest]]:
    """Every golden file by its name."""
    labels = {"cost-centre": "17", "team": "grocers", "other": "not inherited"}
    return {
        "dedicated": children(tenant()),
        "dedicated-everything-said": children(tenant(labels=labels), FULL),
        "dedicated-asleep": children(tenant(hibernated=True), FULL, replicas=0),
        "dedicated-replicas-in-the-spec": children(tenant(replicas=3), FULL),
        "dedicated-long-name": children(tenant(LONG_NAME)),
        "dedicated-digit-first": children(tenant("7-eleven")),
        "dedicated-open-server": open_server(),
        "dedicated-media": children(tenant(), SMALL + MEDIA, opened=with_bucket),
        "dedicated-media-asleep": children(
            tenant(hibernated=True), FULL + FULL_MEDIA, replicas=0, opened=with_bucket
        ),
        "dedicated-media-scaled": children(tenant(), FULL + FULL_MEDIA, opened=with_bucket),
        "dedicated-media-on-trial": children(tenant(), SMALL + MEDIA, opened=with_folder),
        "pooled-with-a-route": children(tenant(isolation="Pooled"), POOLED_ROUTES),
    }


def as_yaml(manifests: list[Manifest]) -> str:
    """The manifests as one file."""
    return yaml.safe_dump_all(manifests, sort_keys=False, width=110, allow_unicode=True)


def main() -> int:
    """Writes what differs; removes what no case makes."""
    made = {f"{name}.yaml": as_yaml(manifests) for name, manifests in cases().items()}
    for path in GOLDEN.glob("*.yaml"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        path = GOLDEN / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"{path.relative_to(Path.cwd())}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
