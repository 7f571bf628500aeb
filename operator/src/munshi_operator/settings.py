"""What the operator takes from its environment."""

import socket
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from munshi.settings import GraphSettings, ProcessSettings


def _names(value: object) -> object:
    """`shops,stores`, as an environment spells a list."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


class OperatorSettings(GraphSettings, ProcessSettings):
    """Settings of one replica."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_OPERATOR_")

    port: int = Field(
        default=8080, ge=0, le=65535, description="TCP port for health and metrics; 0: a free one."
    )
    namespace: str = Field(
        default="munshi",
        description="The operator's own namespace: its Lease and the pool's Secrets lie there.",
    )
    identity: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        description="Name of this replica in the Lease; a pod's host name is its own.",
    )
    namespaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(), description="Namespaces whose tenants are served, with commas between. Empty: all."
    )
    secret_fields: str = Field(
        default="type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
        description="Field selector of the Secrets that are watched. Helm's releases are large and hold no "
        "credentials of tenants.",
    )
    blueprint_file: Path = Field(
        default=Path("/etc/munshi/blueprint.yaml"),
        description="File with what the chart's values say about tenants' objects.",
    )
    master_key_file: Path = Field(
        default=Path("/etc/munshi/keys/master-key"),
        description="File with 32 bytes in hex, from which all keys are derived.",
    )
    webhook_url: str = Field(
        default="https://munshi.invalid",
        description="Public base of the webhooks, as Meta reaches it; without a path.",
    )
    check_meta: bool = Field(
        default=True,
        description="Whether credentials and webhooks are checked against the Graph API. Off where the "
        "cluster may not reach it.",
    )
    database_url: SecretStr = Field(
        default=SecretStr("postgresql://munshi_admin@localhost/munshi"),
        description="DSN of the database's administrator `munshi_admin`.",
    )
    pods_database_url: str = Field(
        default="",
        description="DSN without user and password, as the tenants' pods reach the database; default: the "
        "administrator's own host.",
    )
    nats_url: str = Field(default="nats://localhost:4222", description="NATS, as operator and pods reach it.")
    object_store_url: str = Field(
        default="",
        description="Bucket of the media, as s3://bucket; none: no object store is set up, so no "
        "media service runs. pod:///folder: a volume of each media pod, for a try.",
    )
    parallel: int = Field(
        default=48,
        ge=1,
        le=256,
        description="Tenants worked on at once, with at most 64 writes to the API server in flight. 48: with "
        "16, making many tenants took twice as long as their applies alone, nearly all of it waiting.",
    )
    writes_per_second: float = Field(
        default=1000.0,
        gt=0,
        description="Writes to the API server a second, on average. 1,000: a little more than one server "
        "takes from one client; less where it is shared with many.",
    )
    write_burst: int = Field(default=1000, ge=1, description="Writes at once before that rate holds.")
    resync_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Seconds between comparisons of a tenant with NATS, database and object store; 20 % of "
        "jitter more or less.",
    )
    census_seconds: float = Field(
        default=900.0,
        gt=0,
        description="Seconds between lists of all tenants, against what the watch told; one request for 500.",
    )
    deadline_seconds: float = Field(
        default=120.0, gt=0, description="Seconds that one pass over one tenant may take before it is ended."
    )
    backoff_seconds: float = Field(
        default=1.0, gt=0, description="Wait after a tenant's first failure; doubles with each further one."
    )
    backoff_most_seconds: float = Field(
        default=300.0, gt=0, description="Longest wait after failures: a repaired server is noticed in 5 min."
    )
    finalizer_seconds: float = Field(
        default=900.0,
        gt=0,
        description="Seconds after a deletion until the finalizer goes whatever is left; what was left is "
        "told by an event and a metric.",
    )
    lease_seconds: float = Field(
        default=15.0,
        gt=0,
        description="Seconds that a silent leader keeps the Lease; renewed in a third of it.",
    )
    rollout_at_once: int = Field(
        default=5,
        ge=1,
        description="Tenants whose pods are replaced at once when a new version of the services comes.",
    )
    rollout_fail_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Seconds until a tenant whose new pods are not ready counts as failed, which stops the "
        "roll-out.",
    )
    wake_on_webhook: bool = Field(
        default=True, description="Whether a hibernated tenant wakes while messages wait for it."
    )
    wake_poll_seconds: float = Field(
        default=15.0, gt=0, description="Seconds between looks at what waits for a hibernated tenant."
    )
    idle_seconds: float = Field(
        default=300.0, gt=0, description="Seconds without work after which a woken tenant sleeps again."
    )
    drain_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Seconds that a moving tenant's old cell must be empty before it is left; covers "
        "webhooks on their way.",
    )
    drain_most_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Seconds after which a moving tenant's old cell is left with what is in it, which is "
        "carried over.",
    )
