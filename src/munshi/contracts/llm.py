"""The port of language models: what is asked, what comes back, and what it cost."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import WhatsAppTenantSpec

Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a tenant uses models; out of its `spec.llm`."""

    models: tuple[str, ...] = ()
    """Names of the platform's models, the first tried first; empty is all of them in the platform's order."""
    monthly_budget: Decimal | None = None
    """US dollars in a calendar month of UTC; `None` is without end."""
    personal_data: bool = False
    """Whether numbers, addresses and ids of persons may leave as they are."""
    region: str = "IN"
    """ISO 3166: where a phone number without a country belongs."""


def terms_of(spec: WhatsAppTenantSpec) -> Terms:
    """The terms that a tenant's resource states."""
    use = spec.llm
    region = "LK" if spec.time_zone == "Asia/Colombo" else "IN"
    return Terms(use.models, Decimal(use.monthly_budget), use.allow_personal_data, region)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a model."""

    tenant: TenantKey
    purpose: str
    """A stable word for metrics and costs: `analyze`, `generate`, …"""
    messages: tuple[ChatMessage, ...]
    terms: Terms = Terms()
    names: tuple[str, ...] = ()
    """Names of persons that are masked too, unless personal data may leave."""
    most_tokens: int = 512
    """Of the answer."""
    seconds: float = 20.0
    """Deadline for all tries together."""
    temperature: float = 0.2


@dataclass(frozen=True, slots=True)
class Spent:
    """What an answer cost, all tries together."""

    model: str
    """The platform's name of the model that answered."""
    prompt_tokens: int
    completion_tokens: int
    dollars: Decimal
    seconds: float


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """An answer in words."""

    text: str
    spent: Spent


@dataclass(frozen=True, slots=True)
class ShapedAnswer(Generic[Shape]):
    """An answer that fits a schema."""

    value: Shape
    spent: Spent


class LanguageModels(Protocol):
    """The models of the platform.

    Raises (all):
        Retryable: every model is away, slow or busy.
        Permanent: over the tenant's budget (`llm_budget`), refused (`llm_refused`), nothing that fits the
            schema came of any model (`llm_invalid`), or none of the tenant's models is there
            (`llm_unknown_model`).
    """

    async def answer(self, prompt: Prompt) -> TextAnswer:
        """An answer in words."""
        ...

    async def shaped(self, prompt: Prompt, shape: type[Shape]) -> ShapedAnswer[Shape]:
        """An answer that fits `shape`, by the model's structured output."""
        ...

    def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """The answer as it comes. Another model takes over only before the first piece."""
        ...


class Spending(Protocol):
    """Where tokens and costs are kept, and budgets are watched."""

    async def begin(
        self, tenant: TenantKey, purpose: str, model: str, estimate: Decimal, budget: Decimal | None
    ) -> int | None:
        """Puts `estimate` dollars aside and gives back the call's number; `None` where that is over the
        budget."""
        ...

    async def end(
        self,
        tenant: TenantKey,
        call: int,
        prompt_tokens: int,
        completion_tokens: int,
        dollars: Decimal,
        outcome: str,
    ) -> None:
        """What it came to, in place of the estimate."""
        ...

    async def used(self, tenant: TenantKey) -> Decimal:
        """US dollars of this month: what calls came to, and what is put aside for those under way."""
        ...
