"""Settings of what the operator makes outside the cluster, beside `OperatorSettings`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class OutsideSettings(BaseSettings):
    """Sizes in bytes are of one replica on disk; the server reserves them, used or not."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_OPERATOR_", frozen=True, extra="ignore")

    # The environment gives text.
    nats_replicas: Annotated[Literal[1, 3, 5], BeforeValidator(int)] = Field(
        default=1, description="Replicas of every stream. 3 where NATS has three servers: one may die."
    )
    pool_partitions: int = Field(
        default=16,
        ge=1,
        le=999,
        description="Lanes of the pool: so many orchestrator pods can share its work. Lowering it strands "
        "what waits in the lanes that are gone.",
    )
    tenant_partitions: int = Field(
        default=2,
        ge=1,
        le=999,
        description="Lanes of a dedicated tenant. 2: each is a replicated consumer, and a server carries "
        "some 2,000 replicated things well.",
    )
    pool_event_bytes: int = Field(
        default=1024 * MIB, ge=MIB, description="Events of the pool that may wait: about a million."
    )
    tenant_event_bytes: int = Field(
        default=64 * MIB, ge=MIB, description="Events of a dedicated tenant that may wait: some 60,000."
    )
    pool_dead_bytes: int = Field(
        default=256 * MIB, ge=8 * MIB, description="Unreadable webhooks of the pool."
    )
    tenant_dead_bytes: int = Field(
        default=16 * MIB,
        ge=8 * MIB,
        description="Unreadable webhooks of a tenant; they wait for seconds only.",
    )
    pool_registry_bytes: int = Field(
        default=64 * MIB,
        ge=MIB,
        description="Registry of the pool: 10,000 tenants at 2 KB, three times over.",
    )
    tenant_registry_bytes: int = Field(
        default=2 * MIB, ge=MIB, description="Registry of a dedicated tenant: one entry."
    )
    pool_connections: int = Field(
        default=500, ge=1, description="NATS connections of the pool's pods: one each, and provisioning."
    )
    tenant_connections: int = Field(
        default=32, ge=4, description="NATS connections of a dedicated tenant's pods, and provisioning."
    )
    tenant_database_connections: int = Field(
        default=60,
        ge=2,
        description="PostgreSQL connections of a dedicated tenant: five orchestrators of 12. The pool's role "
        "has no limit of its own.",
    )
    nats_at_once: int = Field(
        default=32,
        ge=1,
        description="Connections to tenants' NATS accounts at once; each lasts for one look. 32: fewer than "
        "the tenants worked on at once, most of which wait for the API server.",
    )
    admin_connections: int = Field(
        default=4, ge=1, description="PostgreSQL connections as munshi_admin, all tenants together."
    )
    object_store_endpoint: str = Field(
        default="", description="URL of an S3 server with MinIO's admin API; empty: keys are made elsewhere."
    )
    object_store_access_key: str = Field(default="", description="Who may make users and policies there.")
    object_store_secret_key: SecretStr = Field(default=SecretStr(""), description="Its secret.")
    object_store_region: str = Field(default="us-east-1", description="Region that requests are signed for.")
