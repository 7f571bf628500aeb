"""The figures of language models, as Prometheus reads them from the program that asks the models."""

import asyncio
import urllib.request
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from munshi.contracts.ids import TenantKey
from munshi.contracts.llm import Terms
from munshi.errors import Permanent, Retryable
from munshi.llm.chain import ModelChain
from munshi.llm.metrics import Budgets
from munshi.llm.settings import ModelSettings
from munshi.probes import serve_probes
from munshi_orchestrator.main import Orchestrator
from munshi_orchestrator.settings import OrchestratorSettings
from rig.model_chain import SHARMA, VERMA, Book, chain, prompt
from rig.scripted_llm import Line, scripted_llm

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(registry: CollectorRegistry) -> Samples:
    """The page of metrics, fetched."""

    def read(port: int) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    async with serve_probes("127.0.0.1", 0, registry, lambda: None, lambda: None) as port:
        text = await asyncio.to_thread(read, port)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    """One sample."""
    return samples.get((name, frozenset(labels.items())))


async def test_calls_tokens_and_dollars_are_counted_by_model() -> None:
    async with (
        scripted_llm(Line(status=503)) as first,
        scripted_llm(Line("He owes 500 rupees")) as second,
        chain(first, second) as (models, registry),
    ):
        await models.answer(prompt(purpose="analyze"))
        page = await scraped(registry)
    calls = "munshi_llm_calls_total"
    assert of(page, calls, model="m1", purpose="analyze", outcome="failed") == 1
    assert of(page, calls, model="m2", purpose="analyze", outcome="done") == 1
    assert of(page, "munshi_llm_tokens_total", model="m2", kind="prompt") == 7
    assert of(page, "munshi_llm_tokens_total", model="m2", kind="completion") == 4
    assert of(page, "munshi_llm_dollars_total", model="m2") == pytest.approx(0.000047)
    assert of(page, "munshi_llm_seconds_count", model="m2") == 1


RATIO = "munshi_llm_budget_used_ratio"


async def test_a_tenant_near_the_end_of_its_budget_is_told_with_its_share() -> None:
    # A call costs 0.000017 dollars, by 7 tokens there and 1 back, and is estimated at 0.000028.
    terms = Terms(monthly_budget=Decimal("0.0001"))
    async with scripted_llm(Line("ok")) as model, chain(model) as (models, registry):
        shares = []
        for _ in range(5):
            await models.answer(prompt(terms=terms, most_tokens=1))
            shares.append(of(await scraped(registry), RATIO, tenant_key=SHARMA))
        assert shares == [None, None, None, None, pytest.approx(0.85)]
        with pytest.raises(Permanent):
            await models.answer(prompt(terms=terms, most_tokens=1))
        await models.answer(prompt(tenant=VERMA, terms=Terms(monthly_budget=Decimal(1))))
        page = await scraped(registry)
    assert of(page, RATIO, tenant_key=SHARMA) == 1, "nothing more fits into what is left"
    assert of(page, RATIO, tenant_key=VERMA) is None, "far from its end"
    assert of(page, "munshi_llm_calls_total", model="m1", purpose="test", outcome="over_budget") == 1


async def test_a_raised_budget_ends_it() -> None:
    async with scripted_llm(Line("ok")) as model, chain(model) as (models, registry):
        with pytest.raises(Permanent):
            await models.answer(prompt(terms=Terms(monthly_budget=Decimal(0))))
        assert of(await scraped(registry), RATIO, tenant_key=SHARMA) == 1
        await models.answer(prompt(terms=Terms(monthly_budget=Decimal(5))))
        assert of(await scraped(registry), RATIO, tenant_key=SHARMA) is None


class Unread(Book):
    """A database that goes away after what was spent is kept."""

    async def begin(
        self, tenant: TenantKey, purpose: str, model: str, estimate: Decimal, _: object
    ) -> int | None:
        return await super().begin(tenant, purpose, model, estimate, None)

    async def used(self, tenant: TenantKey) -> Decimal:
        raise Retryable(f"what {tenant} used cannot be read")


async def test_an_answer_is_given_though_its_figure_cannot_be_had() -> None:
    terms = Terms(monthly_budget=Decimal(1))
    async with scripted_llm(Line("ok")) as model, chain(model, book=Unread()) as (models, _):
        assert (await models.answer(prompt(terms=terms))).text == "ok"


class Clocks:
    """Told to the budgets instead of the machine's."""

    def __init__(self) -> None:
        self.day = date(2026, 11, 30)
        self.seconds = 0.0

    def told(self, budgets: Budgets) -> dict[str, float]:
        (family,) = budgets.collect()
        return {sample.labels["tenant_key"]: sample.value for sample in family.samples}


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def budgets(clocks: Clocks) -> Budgets:
    return Budgets(lambda: clocks.day, lambda: clocks.seconds)


def test_a_new_month_begins_anew(clocks: Clocks, budgets: Budgets) -> None:
    budgets.tell(SHARMA, Decimal(9), Decimal(10))
    assert clocks.told(budgets) == {SHARMA: 0.9}
    clocks.day = date(2026, 12, 1)
    assert clocks.told(budgets) == {}


def test_what_was_found_long_ago_is_not_told(clocks: Clocks, budgets: Budgets) -> None:
    budgets.refused(SHARMA)
    clocks.seconds = 3599
    budgets.refused(VERMA)
    assert clocks.told(budgets) == {SHARMA: 1, VERMA: 1}
    clocks.seconds = 3601
    assert clocks.told(budgets) == {VERMA: 1}


async def test_the_orchestrator_exports_what_its_chains_count(tmp_path: Path) -> None:
    orchestrator = Orchestrator(OrchestratorSettings(cells_dir=tmp_path), {})
    async with scripted_llm(Line("ok")) as model:
        known = ModelSettings(name="m1", url=model.url, model="scripted")
        models = ModelChain([known], Book(), orchestrator.models, b"0123456789abcdef")
        await models.answer(prompt())
        await models.close()
    page = await scraped(orchestrator.registry)
    assert of(page, "munshi_llm_calls_total", model="m1", purpose="test", outcome="done") == 1
