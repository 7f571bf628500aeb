"""`status` of a `WhatsAppTenant`: what the operator tells people and `kubectl wait`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

CONDITIONS: Mapping[str, str] = {
    "Ready": "Its customers are answered. The reason names what is missing, the most pressing first.",
    "Progressing": "Something is being made or moved; the reason names the step.",
    "CredentialsValid": "The Graph API takes the access token for every phone number.",
    "WebhookVerified": "The app is subscribed to the account's webhooks.",
    "DatabaseReady": "Role, rights and rows are there.",
    "StreamsReady": "NATS account, streams and registry entry are there.",
    "StorageReady": "The prefix in the object store and its key are there, where a store is set up.",
    "Paused": "The operator leaves the tenant alone, because the spec says so.",
    "Degraded": "It works, but not as it should: the reason says what is lost.",
}
"""Types of conditions, in the order in which they are told, with what `True` says."""


class _Status(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Condition(_Status):
    """One thing that is so, is not so, or is not known."""

    type: str = Field(max_length=316, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
    """What is spoken of."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: str = Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    """Why, in one stable word for programs."""
    message: str = Field(max_length=32768)
    """Why, and what to do, for people."""
    last_transition_time: datetime
    """When `status` last changed."""
    observed_generation: int | None = Field(default=None, ge=0)
    """The generation of the spec that it speaks of."""


class WhatsAppTenantStatus(_Status):
    """What the operator last saw and did. Written by it alone."""

    observed_generation: int | None = Field(default=None, ge=0)
    """The generation of the spec that was last worked on; less than `metadata.generation`: wait."""
    conditions: tuple[Condition, ...] = Field(default=(), max_length=32)
    """How each part of the tenant is."""
    phase: str | None = Field(default=None, max_length=64)
    """All of it in one word, for people; programs look at the conditions."""
    webhook_url: str | None = Field(default=None, alias="webhookURL", max_length=2048)
    """The address to enter as the callback URL of the app with Meta."""
    cell: str | None = Field(default=None, max_length=128)
    """Which cell serves it: `pool`, or its own. Another one than the spec asks for while it is moved."""
    applied: str | None = Field(default=None, max_length=128)
    """Digest of what was made outside of the cluster."""
    replicas: int | None = Field(default=None, ge=0)
    """Orchestrator pods; read by `kubectl scale` and autoscalers."""
    ready_replicas: int | None = Field(default=None, ge=0)
    """Those of them that are ready."""
    selector: str | None = Field(default=None, max_length=1024)
    """Labels of the orchestrator pods; read by autoscalers."""
