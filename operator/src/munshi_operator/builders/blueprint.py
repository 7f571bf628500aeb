"""What the chart's values say about tenants' objects: one YAML file, read at start. Pure.

Nothing in it belongs to one tenant; a tenant's own wishes stand in its spec.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from munshi.errors import UserMistake


def _as_text(value: object) -> object:
    """`cpu: 1` is a number to YAML and a quantity to people."""
    return str(value) if isinstance(value, int | float) else value


Quantity = Annotated[str, BeforeValidator(_as_text)]
"""A Kubernetes quantity: `100m`, `192Mi`, `1`."""
Peer = dict[str, Any]
"""A peer of a NetworkPolicy: `podSelector` and `namespaceSelector`, or `ipBlock`."""
SettingName = Annotated[str, Field(pattern=r"^(MUNSHI|OTEL)_[A-Z0-9_]+$")]
LabelKey = Annotated[
    str, Field(pattern=r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
]
Port = Annotated[int, Field(ge=1, le=65535)]

RESERVED_SETTINGS = frozenset({"MUNSHI_HOST", "MUNSHI_PORT", "MUNSHI_CELLS_DIR", "MUNSHI_WORKER"})
"""Settings that the builders give themselves; others than theirs would cut the pod off."""


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Resources(_Part):
    """What a container asks for and may take."""

    requests: dict[str, Quantity] = {}
    """What the scheduler keeps free for it: cpu in cores, memory in bytes."""
    limits: dict[str, Quantity] = {}
    """What it may take. No cpu by default: throttling would only make replies slow."""


class Workload(_Part):
    """One of the Deployments of a dedicated tenant."""

    image: str = Field(min_length=1)
    """Full name with tag or digest. A change replaces the pods."""
    replicas: int = Field(default=1, ge=1, le=100)
    """Pods, where nothing scales them; fewest pods, where something does."""
    max_replicas: int = Field(default=0, ge=0, le=100)
    """Most pods that an autoscaler makes; 0: none is made."""
    resources: Resources = Resources()
    """Of the one container. A change replaces the pods."""
    env: dict[SettingName, str] = {}
    """Further settings by their environment names. A change replaces the pods."""
    pre_stop_seconds: int = Field(default=0, ge=0, le=60)
    """Seconds between a pod's end being known and its SIGTERM, so that nobody sends to it any more."""
    grace_seconds: int = Field(default=30, ge=1, le=600)
    """Seconds from a pod's end to its being killed; more than `preStopSeconds`, the service's drain and its
    MUNSHI_STOP_SECONDS (20) together, so that what was begun is finished."""

    @model_validator(mode="after")
    def _consistent(self) -> "Workload":
        reserved = sorted(RESERVED_SETTINGS & set(self.env))
        if reserved:
            raise ValueError(f"env: {', '.join(reserved)} is set by the operator; remove it")
        if 0 < self.max_replicas < self.replicas:
            raise ValueError(f"maxReplicas ({self.max_replicas}) is less than replicas ({self.replicas})")
        if self.grace_seconds <= self.pre_stop_seconds:
            raise ValueError("graceSeconds must be more than preStopSeconds")
        return self


class Pods(_Part):
    """What holds for every pod of every tenant. A change of anything replaces all of them."""

    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelet pulls. A tag of ours never changes its content."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets with the registry's credentials, in each tenant's namespace."""
    run_as_user: int | None = Field(default=10001, ge=1)
    """User, group and group of the volumes; none: the cluster chooses them (OpenShift)."""
    priority_class_name: str = ""
    """Class of the message path's pods; none: the cluster's default."""
    topology_key: str = Field(default="kubernetes.io/hostname", min_length=1)
    """Replicas are spread over this topology, as far as there is room."""
    node_selector: dict[str, str] = {}
    """Nodes to run on."""
    tolerations: tuple[dict[str, Any], ...] = ()
    """Taints to bear."""


class RouteKind(StrEnum):
    """What leads webhooks to a tenant's ingress."""

    HTTP_ROUTE = "HTTPRoute"
    INGRESS = "Ingress"
    NONE = "None"


class Gateway(_Part):
    """The Gateway that HTTPRoutes attach to; its listener must take routes of the tenants' namespaces."""

    name: str = Field(min_length=1)
    """Its name."""
    namespace: str = Field(min_length=1)
    """Its namespace."""
    section_name: str = ""
    """Its listener; none: all that fit."""


class Backend(_Part):
    """A Service that webhooks are led to."""

    name: str = Field(min_length=1)
    """Its name."""
    namespace: str = Field(min_length=1)
    """Its namespace; a ReferenceGrant there lets the tenants' routes in."""
    port: Port = 80
    """Its port."""


class Route(_Part):
    """How Meta's webhooks reach the pods."""

    kind: RouteKind = RouteKind.HTTP_ROUTE
    """A route of the Gateway API, an Ingress, or nothing of ours."""
    host: str = ""
    """Host name of the webhooks, without scheme; none: every host of the Gateway or Ingress."""
    gateway: Gateway | None = None
    """Needed for HTTPRoute."""
    ingress_class_name: str = ""
    """Class of the Ingress; none: the cluster's default."""
    annotations: dict[str, str] = {}
    """Put on the route, as its controller wants them."""
    tls_secret_name: str = ""
    """Secret with the host's certificate in the tenant's namespace, for an Ingress."""
    pool: Backend | None = None
    """Where given, a pooled tenant too has a route of its own, to this Service; HTTPRoute alone can lead to
    another namespace. Else the chart's one route takes the webhooks of all pooled tenants."""

    @model_validator(mode="after")
    def _consistent(self) -> "Route":
        if self.kind is RouteKind.HTTP_ROUTE and self.gateway is None:
            raise ValueError("kind HTTPRoute needs gateway")
        if self.pool is not None and self.kind is not RouteKind.HTTP_ROUTE:
            raise ValueError("pool needs kind HTTPRoute: no other route leads to another namespace")
        return self


class ScalerKind(StrEnum):
    """What scales the orchestrators that have `maxReplicas`."""

    CPU = "HorizontalPodAutoscaler"
    AGE = "ScaledObject"


class Scaling(_Part):
    """Autoscaling, for a workload with `maxReplicas`. Ingress is always scaled by CPU."""

    kind: ScalerKind = ScalerKind.CPU
    """By CPU, or by the age of the oldest event that is not done (KEDA)."""
    cpu_percent: int = Field(default=70, ge=1, le=1000)
    """CPU in percent of what is asked for, above which pods are added."""
    prometheus_url: str = ""
    """Prometheus, http://host:9090; needed for ScaledObject."""
    oldest_seconds: int = Field(default=5, ge=1)
    """Seconds of age for each pod: an oldest event of three times as much asks for three pods."""
    query: str = 'max(munshi_queue_age_seconds{namespace="{namespace}",pod=~"{workload}-.+"})'
    """PromQL for that age in seconds; {namespace}, {tenant} and {workload} are filled in."""

    @model_validator(mode="after")
    def _consistent(self) -> "Scaling":
        if self.kind is ScalerKind.AGE and not self.prometheus_url:
            raise ValueError("kind ScaledObject needs prometheusUrl")
        return self


class Server(_Part):
    """A server that pods may reach."""

    to: tuple[Peer, ...] = ()
    """Peers of a NetworkPolicy; none: anywhere, by the port alone."""
    ports: tuple[Port, ...] = Field(min_length=1)
    """TCP ports."""


class ModelServer(_Part):
    """A shared model server (Triton, vLLM)."""

    asked_by: tuple[Literal["orchestrator", "media"], ...] = Field(min_length=1)
    """Whose pods ask it."""
    server: Server
    """Where it is."""


_SYSTEM: Peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}


class Policies(_Part):
    """Who may talk to a tenant's pods, and with whom they may talk; everything else is denied."""

    enabled: bool = True
    """Makes the NetworkPolicies; the cluster's network must enforce them."""
    webhooks_from: tuple[Peer, ...] = ()
    """From where webhooks come (the Gateway's pods); none: from anywhere."""
    metrics_from: tuple[Peer, ...] = ({"namespaceSelector": {}},)
    """From where metrics are read. Those of ingress share the webhooks' port."""
    dns: tuple[Peer, ...] = (_SYSTEM,)
    """The cluster's DNS. With a cache on each node, its address too, as an ipBlock."""
    dns_ports: tuple[int, ...] = Field(default=(53,), min_length=1)
    """Its pods' ports, UDP and TCP."""
    nats: Server = Server(ports=(4222,))
    """The bus."""
    database: Server = Server(ports=(5432,))
    """PostgreSQL, or the pooler before it; for the orchestrator alone."""
    graph: Server = Server(ports=(443,))
    """The Graph API, for orchestrator and media service. Without peers: anywhere but `graphExcept`, since
    Meta has no fixed addresses."""
    graph_except: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
    """IPv4 networks that are not Meta's: the private ones and the cloud's own addresses."""
    graph_except_v6: tuple[str, ...] = ("fc00::/7", "fe80::/10")
    """The same of IPv6. Empty: no IPv6 at all, for networks whose policies know IPv4 alone."""
    object_store: Server = Server(ports=(443,))
    """The object store, for the media service alone."""
    inference: tuple[ModelServer, ...] = ()
    """Shared model servers."""
    extra_egress: tuple[dict[str, Any], ...] = ()
    """Further rules of egress for all pods: collectors of traces."""


class Blueprint(_Part):
    """All of it."""

    ingress: Workload
    """Takes webhooks."""
    orchestrator: Workload
    """Works out turns and sends."""
    media: Workload | None = None
    """Fetches, checks, keeps and reads files. None is made where this is left out, or where no object store
    is set up."""
    llm_keys_secret: str = Field(default="", pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$")
    """Secret of each tenant's own namespace with the keys of language models, each by its model's name;
    mounted into orchestrators. Where a namespace has none, its tenants ask without keys. A change replaces
    orchestrators; what stands in the Secret does not."""
    service_keys_secret: str = Field(default="", pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$")
    """Secret of each tenant's own namespace with `speech-key`, `tts-key` and `embeddings-key`, those that
    there are: keys of services that hear, speak and embed. A change replaces orchestrators and media
    services."""
    graph_url: str = Field(default="https://graph.facebook.com", pattern=r"^https?://.*[^/]$")
    """Base of the Graph API, without version. A change replaces orchestrators and
    media services."""
    pods: Pods = Pods()
    """What holds for every pod."""
    route: Route
    """How webhooks arrive."""
    scaling: Scaling = Scaling()
    """What scales."""
    network_policy: Policies = Policies()
    """Who may talk to whom."""
    labels: dict[LabelKey, str] = {}
    """Put on every object. Not on pods: a change restarts none."""
    inherit_labels: tuple[LabelKey, ...] = ()
    """Keys of labels that objects and pods take over from their WhatsAppTenant (a cost centre, a team). A
    changed value of one replaces that tenant's pods."""


def parse_blueprint(text: str) -> Blueprint:
    """Reads the file's content.

    Raises:
        UserMistake: what is wrong, and in which field.
    """
    try:
        return Blueprint.model_validate(yaml.safe_load(text), by_alias=True, by_name=False)
    except yaml.YAMLError as error:
        raise UserMistake(f"the blueprint is no YAML: {error}") from error
    except ValidationError as error:
        mistakes = [
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_url=False)
        ]
        raise UserMistake(f"the blueprint is unusable: {'; '.join(mistakes)}") from error
