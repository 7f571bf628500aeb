"""The kinds of Kubernetes objects that the operator reads or writes, with their paths. Pure."""

from dataclasses import dataclass

from munshi.contracts.tenant import GROUP, KIND, PLURAL, VERSION
from munshi_operator.types import Manifest


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind, as the API spells it."""

    group: str
    version: str
    name: str
    plural: str

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Path of a collection, or of an object in it; without a namespace, of all namespaces."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{base}{inside}/{self.plural}" + (f"/{name}" if name else "")


@dataclass(frozen=True, slots=True)
class Ref:
    """Names one object."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.namespace}/{self.name}"


TENANT = Kind(GROUP, VERSION, KIND, PLURAL)
SECRET = Kind("", "v1", "Secret", "secrets")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
SERVICE = Kind("", "v1", "Service", "services")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALER = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
SCALED_OBJECT = Kind("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses")
HTTP_ROUTE = Kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
EVENT = Kind("", "v1", "Event", "events")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")

CHILDREN: tuple[Kind, ...] = (
    SERVICE_ACCOUNT,
    SECRET,
    NETWORK_POLICY,
    SERVICE,
    DISRUPTION_BUDGET,
    DEPLOYMENT,
    AUTOSCALER,
    SCALED_OBJECT,
    HTTP_ROUTE,
    INGRESS,
)
"""Kinds of children, in the order of applying: what a pod needs comes before it, what leads to it after."""

ROUTES = frozenset({HTTP_ROUTE, INGRESS})
"""What leads a tenant's webhooks to its ingress."""

WITHOUT_WHICH_NOTHING_IS_ANSWERED = frozenset(
    {SERVICE_ACCOUNT, SECRET, SERVICE, DEPLOYMENT, HTTP_ROUTE, INGRESS}
)
"""Children that a tenant cannot do without; the others protect, limit or scale it."""

_BY_NAME = {(kind.api_version, kind.name): kind for kind in (*CHILDREN, TENANT, EVENT, LEASE)}


def kind_of(manifest: Manifest) -> Kind:
    """The kind of a whole object.

    Raises:
        KeyError: the operator does not know it.
    """
    return _BY_NAME[manifest["apiVersion"], manifest["kind"]]


def ref_of(manifest: Manifest) -> Ref:
    """What names a whole object."""
    meta = manifest["metadata"]
    return Ref(kind_of(manifest), meta.get("namespace", ""), meta["name"])
