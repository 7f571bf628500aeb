"""The figures of language models for Prometheus: few series, whatever the number of tenants."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from munshi.contracts.ids import TenantKey

NEAR = 0.8
"""Of a month's budget: who has used less has no series."""
_FORGET_SECONDS = 3600.0
"""Another worker may have the tenant's conversations by now, or its budget was raised: what was found so long
ago is no longer told."""


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class _Found:
    used: float
    month: date
    at: float


class Budgets(Collector):
    """What tenants near the end of their month's budget have used of it, as a share."""

    def __init__(
        self, today: Callable[[], date] = _today, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`today` in UTC, as months of budgets are; `clock` in seconds."""
        self._today = today
        self._clock = clock
        self._found: dict[TenantKey, _Found] = {}

    def tell(self, tenant: TenantKey, used: Decimal, budget: Decimal) -> None:
        """What was used after a call, in the budget's dollars."""
        share = float(used / budget) if budget else 1.0
        if share < NEAR:
            self._found.pop(tenant, None)
        else:
            self._keep(tenant, share)

    def refused(self, tenant: TenantKey) -> None:
        """A call did not fit into what was left: for the tenant the budget is used up."""
        before = self._found.get(tenant)
        self._keep(tenant, max(1.0, before.used if before else 0.0))

    def _keep(self, tenant: TenantKey, share: float) -> None:
        self._found[tenant] = _Found(share, self._today().replace(day=1), self._clock())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The one family, each time it is scraped."""
        family = GaugeMetricFamily(
            "munshi_llm_budget_used_ratio",
            "Share of its month's budget that a tenant has used, from 0.8 on; 1 where a call did not fit "
            "into what was left. Of tenants that asked within the last hour.",
            labels=["tenant_key"],
        )
        month, now = self._today().replace(day=1), self._clock()
        self._found = {
            tenant: found
            for tenant, found in self._found.items()
            if found.month == month and now - found.at < _FORGET_SECONDS
        }
        for tenant, found in self._found.items():
            family.add_metric([tenant], found.used)
        yield family


class Metrics:
    """One of these a process, made by the composition root; every chain of it counts here."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter(
            "munshi_llm_calls",
            "Tries of language models: done, failed, invalid (the answer did not fit), over_budget.",
            ["model", "purpose", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "munshi_llm_seconds",
            "Seconds of one try.",
            ["model"],
            buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        self.tokens = Counter(
            "munshi_llm_tokens", "Tokens, of prompts and completions.", ["model", "kind"], registry=registry
        )
        self.dollars = Counter("munshi_llm_dollars", "Cost in US dollars.", ["model"], registry=registry)
        self.budgets = Budgets()
        registry.register(self.budgets)
