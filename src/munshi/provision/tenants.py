"""From documents to tenants that can be served: Secret found, keys complete, numbers claimed once. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml
from pydantic import SecretStr

from munshi.contracts.changes import refused_change
from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import Credentials, WhatsAppTenant
from munshi.errors import UserMistake
from munshi.provision.documents import Documents, Secret
from munshi.provision.key_ring import TenantKeys

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_REQUIRED = ("app-secret", "access-token", "verify-token")
_OPTIONAL = ("app-secret-previous",)


@dataclass(frozen=True, slots=True)
class ServedTenant:
    """A tenant with the Secret that it names."""

    tenant: WhatsAppTenant
    secret: Secret = field(repr=False)
    generation: int = 1
    """Raised with every change of spec or Secret."""
    created: datetime | None = None
    """When it was first applied; unknown of what an older program kept."""

    @property
    def key(self) -> TenantKey:
        """`namespace_name`."""
        return self.tenant.key

    @property
    def title(self) -> str:
        """How messages call it."""
        return title_of(self.tenant)

    def credentials(self, keys: TenantKeys) -> Credentials:
        """What opens its WhatsApp account and its data."""
        values = self.secret.values
        previous = values.get("app-secret-previous")
        return Credentials(
            app_secret=SecretStr(values["app-secret"]),
            app_secret_previous=SecretStr(previous) if previous else None,
            access_token=SecretStr(values["access-token"]),
            verify_token=SecretStr(values["verify-token"]),
            lookup_key=SecretStr(keys.lookup_key),
            data_key=SecretStr(keys.data_key),
        )

    def same_as(self, other: "ServedTenant") -> bool:
        """Whether nothing that is served differs."""
        return self.tenant.spec == other.tenant.spec and _used(self.secret) == _used(other.secret)


def title_of(tenant: WhatsAppTenant) -> str:
    """`namespace/name`, as messages call a tenant."""
    return f"{tenant.metadata.namespace}/{tenant.metadata.name}"


def resolve(
    given: Documents, held: Mapping[TenantKey, ServedTenant], now: datetime
) -> dict[TenantKey, ServedTenant]:
    """What must be served when `given` is applied over what is `held`: only what is new or changed.

    A Secret given alone reaches the tenants that name it. `now`: when those that are new were made.

    Raises:
        UserMistake: a Secret or a key of it is missing, a number is claimed twice, isolation would change.
    """
    wanted = dict(given.tenants)
    for key, one in held.items():
        named = (one.tenant.metadata.namespace, one.tenant.spec.whatsapp.secret_ref.name)
        if key not in wanted and named in given.secrets:
            wanted[key] = one.tenant
    changed: dict[TenantKey, ServedTenant] = {}
    for key, tenant in wanted.items():
        before = held.get(key)
        served = ServedTenant(tenant, _secret_of(tenant, given, before), 1, now)
        if before is None:
            changed[key] = served
        elif not served.same_as(before):
            _refuse_move(before, served)
            changed[key] = ServedTenant(tenant, served.secret, before.generation + 1, before.created)
    _refuse_double_claims({**held, **changed}.values())
    return changed


def _secret_of(tenant: WhatsAppTenant, given: Documents, before: ServedTenant | None) -> Secret:
    namespace, name = tenant.metadata.namespace, tenant.spec.whatsapp.secret_ref.name
    secret = given.secrets.get((namespace, name))
    if secret is None and before is not None and before.secret.name == name:
        secret = before.secret
    if secret is None:
        raise UserMistake(
            f"WhatsAppTenant {title_of(tenant)}: its Secret {namespace}/{name} is missing; "
            f"add it beside the tenant, in the same file or another, with the keys {', '.join(_REQUIRED)}"
        )
    for key in _REQUIRED:
        if not secret.values.get(key, "").strip():
            problem = "is empty" if key in secret.values else "is missing"
            raise UserMistake(f"{secret.title}: the key {key} {problem}; add it under stringData")
    return secret


def _refuse_move(before: ServedTenant, after: ServedTenant) -> None:
    refused = refused_change(before.tenant.spec, after.tenant.spec)
    if refused:
        raise UserMistake(f"WhatsAppTenant {after.title}: {refused}")
    if before.tenant.spec.isolation is not after.tenant.spec.isolation:
        raise UserMistake(
            f"WhatsAppTenant {after.title}: spec.isolation cannot change from "
            f"{before.tenant.spec.isolation.value} to {after.tenant.spec.isolation.value} while the tenant "
            "lives; delete the tenant (deletionPolicy Retain keeps its data) and apply it again"
        )


def _refuse_double_claims(tenants: Iterable[ServedTenant]) -> None:
    claimed: dict[str, ServedTenant] = {}
    for one in sorted(tenants, key=lambda each: (each.created or _EARLIEST, each.key)):
        for number in one.tenant.spec.whatsapp.phone_numbers:
            other = claimed.setdefault(number.phone_number_id, one)
            if other.key != one.key:
                since = f", since {other.created:%Y-%m-%d %H:%M:%S} UTC" if other.created else ""
                raise UserMistake(
                    f"WhatsAppTenant {one.title}: phoneNumberID {number.phone_number_id} is claimed by "
                    f"{other.title} already{since}; a number belongs to one tenant, and the older one keeps "
                    "it: change one of them, or delete the older one"
                )


def _used(secret: Secret) -> dict[str, str]:
    return {key: secret.values[key] for key in (*_REQUIRED, *_OPTIONAL) if key in secret.values}


def as_yaml(served: ServedTenant) -> str:
    """Both documents, as they can be applied again; the generation is kept as Kubernetes does."""
    tenant = tenant_document(served.tenant)
    tenant["metadata"]["generation"] = served.generation
    tenant["metadata"].pop("creationTimestamp", None)
    if served.created is not None:
        tenant["metadata"]["creationTimestamp"] = served.created.isoformat()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": served.secret.name, "namespace": served.secret.namespace},
        "stringData": dict(served.secret.values),
    }
    return yaml.safe_dump_all([tenant, secret], sort_keys=False, allow_unicode=True)


def tenant_document(tenant: WhatsAppTenant) -> dict[str, Any]:
    """The tenant in the YAML's spelling."""
    return tenant.model_dump(mode="json", by_alias=True, exclude_none=True)
