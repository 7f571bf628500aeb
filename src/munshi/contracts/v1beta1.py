"""`WhatsAppTenant` as `munshi.dev/v1beta1` will spell it, and the way there and back.

Not served yet: docs/decisions/0012 says when and how. What is here keeps v1alpha1 from growing a field that
the next version could not say, and nothing is lost between the two in either direction.
"""

from pydantic import Field, model_validator

from munshi.contracts import tenant as v1alpha1
from munshi.contracts.tenant import (
    AssistantKind,
    Concierge,
    DeletionPolicy,
    Invoices,
    Isolation,
    LanguageModelUse,
    LanguageTag,
    Ledger,
    Retention,
    Sales,
    Spec,
    Support,
    TimeZoneName,
    WhatsApp,
)

VERSION = "v1beta1"


class Assistant(Spec):
    """Which of the five answers, and how: one place, where v1alpha1 has a field and five blocks beside it."""

    kind: AssistantKind
    """Which of the five. Cannot change."""
    ledger: Ledger | None = None
    """Only with kind Ledger."""
    invoices: Invoices | None = None
    """Only with kind Invoices."""
    concierge: Concierge | None = None
    """Only with kind Concierge."""
    sales: Sales | None = None
    """Only with kind Sales."""
    support: Support | None = None
    """Only with kind Support."""

    @model_validator(mode="after")
    def _only_own_block(self) -> "Assistant":
        for kind in AssistantKind:
            if kind is not self.kind and getattr(self, kind.value.lower()) is not None:
                raise ValueError(
                    f"spec.assistant.{kind.value.lower()} is given, but spec.assistant.kind is "
                    f"{self.kind.value}; remove the block"
                )
        return self


class CustomerLimits(Spec):
    """What one customer may use."""

    messages_per_second: int = Field(default=1, ge=1, le=100)
    """Above it a customer's messages wait their turn; none is dropped."""
    messages_per_day: int = Field(default=200, ge=1, le=1_000_000)
    """Above it, within the tenant's day, messages are kept but not worked on."""


class Limits(Spec):
    """What one customer and the tenant may use."""

    per_customer: CustomerLimits = CustomerLimits()
    """For each customer."""
    transactions_per_month: int = Field(default=1000, ge=1, le=100_000_000)
    """Entries in the tenant's calendar month, all its customers together."""
    media_megabytes: int = Field(default=10, ge=1, le=100)
    """Largest picture, document or sound that is read."""


class WhatsAppTenantSpec(Spec):
    """`spec` of a `WhatsAppTenant`."""

    display_name: str = Field(min_length=1, max_length=100)
    """The business's name, as its customers know it."""
    assistant: Assistant
    """Which of the five answers, and how."""
    languages: tuple[LanguageTag, ...] = Field(default=("en",), min_length=1, max_length=10)
    """BCP 47 tags; the first is used until a customer's own language is known."""
    time_zone: TimeZoneName = "Asia/Kolkata"
    """IANA name; decides what today and this month are."""
    isolation: Isolation = Isolation.DEDICATED
    """Pods, streams, role and keys of its own, or those of the pool."""
    whatsapp: WhatsApp
    """The tenant's account with Meta."""
    llm: LanguageModelUse = LanguageModelUse()
    """How the tenant uses the platform's language models."""
    limits: Limits = Limits()
    """What one customer and the tenant may use."""
    retention: Retention = Retention()
    """How long things are kept."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """Whether the data outlives the resource."""
    paused: bool = False
    """The operator leaves the tenant alone."""
    hibernated: bool = False
    """Scaled to zero; webhooks are still kept."""
    replicas: int | None = Field(default=None, ge=1, le=100)
    """Orchestrator pods of a dedicated tenant."""


_BLOCKS = tuple(kind.value.lower() for kind in AssistantKind)
SAME = frozenset(WhatsAppTenantSpec.model_fields) - {"assistant", "limits"}
"""Fields that both versions spell alike."""


def from_v1alpha1(spec: v1alpha1.WhatsAppTenantSpec) -> WhatsAppTenantSpec:
    """The same tenant, as v1beta1 says it."""
    old = spec.limits
    return WhatsAppTenantSpec(
        **{name: getattr(spec, name) for name in SAME},
        assistant=Assistant(kind=spec.assistant, **{block: getattr(spec, block) for block in _BLOCKS}),
        limits=Limits(
            per_customer=CustomerLimits(
                messages_per_second=old.messages_per_second_per_customer,
                messages_per_day=old.messages_per_day_per_customer,
            ),
            transactions_per_month=old.transactions_per_month,
            media_megabytes=old.media_megabytes,
        ),
    )


def to_v1alpha1(spec: WhatsAppTenantSpec) -> v1alpha1.WhatsAppTenantSpec:
    """The same tenant, as v1alpha1 says it."""
    new = spec.limits
    return v1alpha1.WhatsAppTenantSpec(
        **{name: getattr(spec, name) for name in SAME},
        **{block: getattr(spec.assistant, block) for block in _BLOCKS},
        assistant=spec.assistant.kind,
        limits=v1alpha1.Limits(
            messages_per_second_per_customer=new.per_customer.messages_per_second,
            messages_per_day_per_customer=new.per_customer.messages_per_day,
            transactions_per_month=new.transactions_per_month,
            media_megabytes=new.media_megabytes,
        ),
    )
