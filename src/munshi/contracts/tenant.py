"""The custom resource `WhatsAppTenant` (`munshi.dev/v1alpha1`) and what the pods know of a tenant."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from munshi.contracts.ids import CellName, TenantKey

GROUP = "munshi.dev"
VERSION = "v1alpha1"
KIND = "WhatsAppTenant"
PLURAL = "whatsapptenants"

POOL = CellName("pool")
PLATFORM = TenantKey("platform")
"""Owner of dead letters that are no tenant's; in the pool. A tenant's own key has an underscore."""


class Spec(BaseModel):
    """A block of the resource: camelCase outside, unknown fields refused, never changed once made."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class AssistantKind(StrEnum):
    """The five assistants."""

    LEDGER = "Ledger"
    INVOICES = "Invoices"
    CONCIERGE = "Concierge"
    SALES = "Sales"
    SUPPORT = "Support"


class Isolation(StrEnum):
    """Pods and streams of one's own, or shared ones."""

    DEDICATED = "Dedicated"
    POOLED = "Pooled"


class DeletionPolicy(StrEnum):
    """What becomes of the data when the resource goes."""

    RETAIN = "Retain"
    DELETE = "Delete"


@cache
def _zones() -> frozenset[str]:
    """All IANA names, read once: it takes milliseconds, and a registry has thousands of tenants."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is not an IANA time zone; write one such as Asia/Kolkata")
    return name


DURATION = r"^([1-9][0-9]{0,4}d|(2[4-9]|[3-9][0-9]|[1-9][0-9]{2,5})h)$"
DIGITS = r"^[0-9]{5,20}$"
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$"
CURRENCY = r"^[A-Z]{3}$"
MONEY = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
ZONE = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*$"
GRAPH_VERSION = r"^v[0-9]{1,3}\.[0-9]$"
SECRET_NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"  # noqa: S105 (a pattern)
MODEL_NAME = r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$"
RESOURCE_NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"

SHAPES: Mapping[str, str] = {
    DURATION: "must be hours or days, at least a day, such as 36h or 90d",
    DIGITS: "must be an id of Meta: 5 to 20 digits, in quotes",
    LANGUAGE: "must be a BCP 47 tag, such as hi or en-IN",
    CURRENCY: "must be an ISO 4217 code, such as INR",
    MONEY: 'must be an amount in quotes with at most two decimals, such as "50000" or "99.50"',
    ZONE: "must be an IANA time zone, such as Asia/Kolkata",
    GRAPH_VERSION: "must be a version of the Graph API, such as v25.0",
    SECRET_NAME: "must be the name of a Secret: a-z, 0-9, - and .",
    MODEL_NAME: "must be the platform's name of a model: at most 63 of a-z, 0-9, - and .",
    RESOURCE_NAME: "must be at most 63 of a-z, 0-9 and -, with a letter or digit at both ends",
}
"""What to tell people whose text does not fit a pattern: `munshi apply` and the API server say the same."""

TimeZoneName = Annotated[str, Field(pattern=ZONE), AfterValidator(_known_zone)]
Duration = Annotated[str, Field(pattern=DURATION)]
"""Hours or days: `36h`, `90d`. At least a day: dead letters go with the messages, and a person must have had
the time to see them."""
Digits = Annotated[str, Field(pattern=DIGITS)]
LanguageTag = Annotated[str, Field(pattern=LANGUAGE)]
CurrencyCode = Annotated[str, Field(pattern=CURRENCY)]
ModelName = Annotated[str, Field(pattern=MODEL_NAME)]
Money = Annotated[str, Field(pattern=MONEY)]
"""A decimal as text: YAML's and JSON's numbers are binary fractions."""


NUMBERS_ONCE = "spec.whatsapp.phoneNumbers names a phoneNumberID twice; name each once"


class PhoneNumber(Spec):
    """A business's own number, as Meta names it."""

    phone_number_id: Digits = Field(alias="phoneNumberID")
    """Meta's id of the number, from the app's dashboard; not the number itself."""
    display_phone_number: str = Field(default="", max_length=32)
    """The number as people see it; shown, never dialled."""


class SecretRef(Spec):
    """Name of a Secret in the tenant's namespace."""

    name: str = Field(pattern=SECRET_NAME)
    """Its keys: app-secret, access-token, verify-token; app-secret-previous during a rotation."""


class WhatsApp(Spec):
    """The tenant's account with Meta."""

    business_account_id: Digits = Field(alias="businessAccountID")
    """Id of the WhatsApp Business Account (WABA). Cannot change: another account is another tenant."""
    phone_numbers: tuple[PhoneNumber, ...] = Field(min_length=1, max_length=20)
    """The numbers that this tenant answers on; each belongs to one tenant only."""
    graph_version: str = Field(default="v25.0", pattern=GRAPH_VERSION)
    """Version of the Graph API that is called."""
    secret_ref: SecretRef
    """Where the credentials are."""

    @model_validator(mode="after")
    def _numbers_once(self) -> "WhatsApp":
        ids = [number.phone_number_id for number in self.phone_numbers]
        if len(set(ids)) != len(ids):
            raise ValueError(NUMBERS_ONCE)
        return self


class Ledger(Spec):
    """Settings of the Ledger assistant."""

    currency: CurrencyCode = "INR"
    """ISO 4217 code of the books, where a message names none."""
    confirm_above: Money = "50000"
    """Entries above this amount are asked about first."""
    keep_training_material: bool = False
    """Consent to keep what is said, without names and numbers, to train the understanding with. Kept as long
    as messages; when consent is withdrawn, what was kept is deleted."""

    @property
    def confirm_above_amount(self) -> Decimal:
        """`confirmAbove` as an exact number, in units of `currency`."""
        return Decimal(self.confirm_above)


class Invoices(Spec):
    """Settings of the Invoices assistant."""

    currency: CurrencyCode = "INR"
    """ISO 4217 code, where an invoice names none."""


class Concierge(Spec):
    """Settings of the Concierge assistant."""


class Sales(Spec):
    """Settings of the Sales assistant."""

    debounce_seconds: int = Field(default=5, ge=0, le=60)
    """Short messages in a row within so many seconds are one turn."""


class Support(Spec):
    """Settings of the Support assistant."""


class Limits(Spec):
    """What one customer and the tenant may use."""

    messages_per_second_per_customer: int = Field(default=1, ge=1, le=100)
    """Above it a customer's messages wait their turn; none is dropped."""
    messages_per_day_per_customer: int = Field(default=200, ge=1, le=1_000_000)
    """Above it, within the tenant's day, messages are kept but not worked on."""
    transactions_per_month: int = Field(default=1000, ge=1, le=100_000_000)
    """Entries in the tenant's calendar month, all its customers together."""
    media_megabytes: int = Field(default=10, ge=1, le=100)
    """Largest picture, document or sound that is read. Meta's own limits hold below it: 5 MB for pictures, 16
    for sounds."""


class Retention(Spec):
    """How long things are kept."""

    media: Duration = "90d"
    """Pictures and voice notes, in hours or days: 36h, 90d."""
    messages: Duration = "365d"
    """Texts of messages, in hours or days; the entries of the books stay."""


class LanguageModelUse(Spec):
    """How the tenant uses the platform's language models."""

    models: tuple[ModelName, ...] = Field(default=(), max_length=5)
    """Names of the platform's models, the first tried first; empty is all, in the platform's order."""
    monthly_budget: Money = "5"
    """US dollars in a calendar month of UTC. When it is used up, assistants do without models, or say so."""
    allow_personal_data: bool = False
    """Whether phone numbers, addresses, names and ids of customers may go to the models as they are.
    Otherwise each is replaced by a placeholder before it leaves."""


REPLICAS_LEAST = "must be at least 1; to stop the pods, set spec.hibernated to true"


def other_block(block: str, assistant: str) -> str:
    """What is told where the block of another assistant is given."""
    return f"spec.{block} is given, but spec.assistant is {assistant}; remove the block"


class WhatsAppTenantSpec(Spec):
    """`spec` of a `WhatsAppTenant`. The block of the chosen assistant may be given, and only that."""

    display_name: str = Field(min_length=1, max_length=100)
    """The business's name, as its customers know it."""
    assistant: AssistantKind
    """Which of the five answers. Cannot change: its data are of no use to another one."""
    languages: tuple[LanguageTag, ...] = Field(default=("en",), min_length=1, max_length=10)
    """BCP 47 tags; the first is used until a customer's own language is known."""
    time_zone: TimeZoneName = "Asia/Kolkata"
    """IANA name; decides what today and this month are."""
    isolation: Isolation = Isolation.DEDICATED
    """Pods, streams, role and keys of its own, or those of the pool. When it changes, the tenant is moved."""
    whatsapp: WhatsApp
    """The tenant's account with Meta."""
    ledger: Ledger | None = None
    """Only with assistant Ledger."""
    invoices: Invoices | None = None
    """Only with assistant Invoices."""
    concierge: Concierge | None = None
    """Only with assistant Concierge."""
    sales: Sales | None = None
    """Only with assistant Sales."""
    support: Support | None = None
    """Only with assistant Support."""
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
    """Orchestrator pods of a dedicated tenant, instead of the chart's number and of its autoscaler. More than
    its stream has lanes (2 where the operator's settings say nothing else) only wait. Written by
    `kubectl scale` too; to stop them all, hibernate."""

    @model_validator(mode="after")
    def _only_own_block(self) -> "WhatsAppTenantSpec":
        for kind in AssistantKind:
            block = kind.value.lower()
            if kind is not self.assistant and getattr(self, block) is not None:
                raise ValueError(other_block(block, self.assistant.value))
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's days."""
        return ZoneInfo(self.time_zone)

    @property
    def debounce_seconds(self) -> int:
        """How long messages in a row are gathered into one turn; 0 is not at all."""
        if self.assistant is AssistantKind.SALES:
            return (self.sales or Sales()).debounce_seconds
        return 0


class Metadata(BaseModel):
    """The part of a Kubernetes object's metadata that Munshi reads; the rest is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(pattern=RESOURCE_NAME)
    namespace: str = Field(default="default", pattern=RESOURCE_NAME)
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class WhatsAppTenant(BaseModel):
    """The whole resource, as kubectl takes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    api_version: Literal["munshi.dev/v1alpha1"]
    kind: Literal["WhatsAppTenant"]
    metadata: Metadata
    spec: WhatsAppTenantSpec
    status: dict[str, Any] | None = None

    @property
    def key(self) -> TenantKey:
        """`namespace_name`."""
        return tenant_key(self.metadata.namespace, self.metadata.name)


class Credentials(BaseModel):
    """What opens a tenant's WhatsApp account and its data. Never logged, never printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    app_secret: SecretStr
    app_secret_previous: SecretStr | None = None
    access_token: SecretStr
    verify_token: SecretStr
    lookup_key: SecretStr
    """32 bytes in hex: keys the hash by which a number is found. Made once, never changed."""
    data_key: SecretStr
    """32 bytes in hex: encrypts numbers at rest. Made once, never changed."""


class TenantEntry(BaseModel):
    """One entry of a cell's registry. `sealed` holds the `Credentials`, sealed under the cell's key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    key: TenantKey
    name: str
    namespace: str
    cell: CellName
    generation: int
    spec: WhatsAppTenantSpec
    sealed: str
    created: AwareDatetime | None = None
    """When the tenant was made: of two that claim one phone number, the older keeps it. Absent in entries of
    older programs, which count as the oldest."""

    @field_validator("spec", mode="before")
    @classmethod
    def _newer_spec(cls, value: Any) -> WhatsAppTenantSpec:
        """A newer writer's fields are passed over: pods of the last version run while the next one comes."""
        return WhatsAppTenantSpec.model_validate(value, extra="ignore")


def tenant_key(namespace: str, name: str) -> TenantKey:
    """The key of a tenant. Kubernetes names hold no underscore, so it is unique."""
    return TenantKey(f"{namespace}_{name}")


def cell_of(key: TenantKey, spec: WhatsAppTenantSpec) -> CellName:
    """Which cell serves a tenant."""
    return CellName(key) if spec.isolation is Isolation.DEDICATED else POOL


def age_of(duration: str) -> timedelta:
    """`36h` or `90d` as a time span."""
    found = re.fullmatch(r"([0-9]+)([hd])", duration)
    if found is None:
        raise ValueError(f"{duration!r} is no duration; write hours or days, such as 36h or 90d")
    number = int(found[1])
    return timedelta(hours=number) if found[2] == "h" else timedelta(days=number)
