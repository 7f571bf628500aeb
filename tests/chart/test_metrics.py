"""Rules and dashboards ask only for what the programs export: compared with `/metrics` of living ones."""

import asyncio
import contextlib
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from chart.programs import CHART, ROOT, run
from chart.promql import (
    MODELS,
    TARGET_LABELS,
    asked,
    dashboard_expressions,
    dashboards,
    groupings,
    rule_expressions,
)
from chart.rendering import EXISTING, merged, render
from munshi.contracts.llm import Terms
from munshi.errors import Permanent
from munshi.probes import serve_probes
from munshi_emulator.client import EmulatorClient
from munshi_ingress import answers
from munshi_media import failing
from munshi_operator.metrics import make_registry
from rig.model_chain import VERMA, chain, prompt
from rig.operating import Stage
from rig.platform import PlatformRig, platform_in
from rig.scripted_llm import Line, scripted_llm
from rig.triton import TritonServer
from rig.waiting import wait_for

pytestmark = pytest.mark.timeout(180)
SHARMA = "106540352242922"

NATS_EXPORTER = {
    "jetstream_server_total_streams",
    "jetstream_server_total_consumers",
    "jetstream_stream_total_bytes",
    "jetstream_stream_limit_bytes",
}
"""Of prometheus-nats-exporter (collector/jsz.go), which is not ours and cannot be had here."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformRig]:
    """A whole platform on this machine."""
    with platform_in(tmp_path_factory.mktemp("metrics") / "data") as rig:
        yield rig.up("--tenants", str(ROOT / "examples"))


TRITON = {
    "nv_inference_queue_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_pending_request_count",
    "nv_inference_request_success",
    "nv_inference_request_failure",
}
VLLM = {"vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"}
"""Asked of a real one by `tests/cluster/e2e/test_vllm.py`; it has gigabytes and is not run here."""


Exported = Mapping[str, set[str]]
"""A sample's name to its labels."""


def read(text: str) -> dict[str, set[str]]:
    """All samples of a page; a counter without samples yet is there with no labels."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        suffix = "_total" if family.type == "counter" else ""
        names = {f"{family.name}{suffix}"}
        if family.type == "histogram":
            names = {f"{family.name}{end}" for end in ("_bucket", "_sum", "_count")}
        for name in names:
            found.setdefault(name, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def scrape(url: str) -> str:
    """A page of metrics."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 (an address of ours)
        return str(answer.read().decode())


def tried(url: str) -> str | None:
    """The same, or `None` where nobody listens yet."""
    with contextlib.suppress(urllib.error.URLError):
        return scrape(url)
    return None


@contextlib.asynccontextmanager
async def operator_metrics() -> AsyncIterator[str]:
    """The page of a living operator, before an API server in memory."""
    stage = Stage()
    stage.create("sharma")
    async with stage.operator() as parts:
        await stage.until_ready(["sharma"])
        registry = make_registry(parts, lambda: True)
        async with serve_probes("127.0.0.1", 0, registry, lambda: None, lambda: None) as port:
            yield await asyncio.to_thread(scrape, f"http://127.0.0.1:{port}/metrics")


async def language_models_metrics() -> str:
    """The page of a program that asks language models, which no assistant does yet, after calls that failed,
    succeeded and were over the budget."""
    poor = prompt(tenant=VERMA, terms=Terms(monthly_budget=Decimal(0)))
    async with (
        scripted_llm(Line(status=503)) as first,
        scripted_llm(Line("ok")) as second,
        chain(first, second) as (models, registry),
    ):
        await models.answer(prompt())
        with contextlib.suppress(Permanent):
            await models.answer(poor)
        async with serve_probes("127.0.0.1", 0, registry, lambda: None, lambda: None) as port:
            return await asyncio.to_thread(scrape, f"http://127.0.0.1:{port}/metrics")


@pytest.fixture
async def exported(platform: PlatformRig) -> Exported:
    """What all programs export, after one message was answered."""
    async with EmulatorClient(platform.emulator) as client:
        await client.say(SHARMA, "919820011111", "Ramesh ko 500 ka maal udhaar diya")
        await client.wait_for(
            1, person="919820011111", phone_number_id=SHARMA, direction="out", timeout_seconds=90
        )
    found: dict[str, set[str]] = {}
    for process in platform.status()["processes"]:
        if process["metrics"]:
            found |= read(scrape(process["metrics"]))
    async with operator_metrics() as text:
        found |= read(text)
    asking = read(await language_models_metrics())
    figures = {name for name in asking if name.startswith("munshi_llm_") and not name.endswith("_created")}
    assert figures <= found.keys(), "the orchestrator does not export them"
    return found | asking


async def test_rules_and_dashboards_ask_for_what_is_exported(exported: Exported) -> None:
    expressions = (*rule_expressions(), *dashboard_expressions())
    names = {name for expression in expressions for name, _ in asked(expression)}
    assert len(names) > 30, "the expressions were read"
    missing = names - exported.keys() - NATS_EXPORTER - TRITON - VLLM
    assert not missing


async def test_labels_are_those_of_the_metrics(exported: Exported) -> None:
    for expression in (*rule_expressions(), *dashboard_expressions()):
        known: set[str] = set(TARGET_LABELS)
        for name, matchers in asked(expression):
            known |= exported.get(name, set())
            if exported.get(name):
                wrong = matchers.keys() - exported[name] - TARGET_LABELS
                assert not wrong, f"{name} has no {wrong}: {expression}"
        if all(exported.get(name) for name, _ in asked(expression)):
            assert groupings(expression) <= known, expression


@pytest.mark.xdist_group("triton")
def test_triton_exports_what_its_alerts_and_its_scaler_ask_for(tmp_path: Path) -> None:
    values = {"inference": {"triton": {"maxReplicas": 2}}, "autoscaling": {"prometheusUrl": "http://p:9090"}}
    scaler = render(merged(EXISTING, MODELS, values)).one("ScaledObject", "munshi-triton")
    queries = [one["metadata"]["query"] for one in scaler["spec"]["triggers"]]
    expressions = [*rule_expressions(), *dashboard_expressions(), *queries]
    wanted = {name for one in expressions for name, _ in asked(one) if name.startswith("nv_")}
    assert wanted == TRITON
    server = TritonServer(tmp_path / "triton", "ledger_nlu")
    try:
        server.start()
        # It listens for metrics last, after it has said that it is ready.
        page = wait_for(lambda: tried(f"http://127.0.0.1:{server.port + 2}/metrics"), "a page of metrics")
    finally:
        server.kill()
    # Triton's counters do not end in _total, which a parser of OpenMetrics would add.
    assert wanted <= set(re.findall(r'^(\w+)\{model="ledger_nlu"', page, re.MULTILINE))


def test_helm_test_agrees_with_a_living_ingress(platform: PlatformRig) -> None:
    rendered = render(EXISTING)
    (container,) = rendered.one("Pod", "munshi-test")["spec"]["containers"]
    asked = [one.replace("http://munshi-pool-ingress", platform.ingress) for one in container["args"]]
    program = CHART / "programs" / "answers.py"
    done = subprocess.run(
        [sys.executable, program, "--patience=60", *asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_outcomes_are_those_of_ingress() -> None:
    real = {one.outcome for one in vars(answers).values() if isinstance(one, answers.Answer)}
    wanted = {
        value
        for expression in (*rule_expressions(), *dashboard_expressions())
        for name, matchers in asked(expression)
        if name == "munshi_ingress_requests_total"
        for value in matchers.get("outcome", ())
    }
    assert wanted
    assert wanted <= real
    refused = {
        one.outcome for one in vars(answers).values() if isinstance(one, answers.Answer) and one.status == 503
    }
    assert wanted == refused, "every refusal of ours is spent from the budget, and nothing else"


def test_outcomes_are_those_of_the_media_service() -> None:
    real = {value for name, value in vars(failing).items() if name.isupper() and isinstance(value, str)}
    for expression in (*rule_expressions(), *dashboard_expressions()):
        for name, matchers in asked(expression):
            if name == "munshi_media_requests_total":
                assert set(matchers.get("outcome", ())) <= real
    (shown,) = (
        set(matchers["outcome"])
        for expression in dashboard_expressions()
        for name, matchers in asked(expression)
        if name == "munshi_media_requests_total" and matchers.get("outcome")
    )
    assert shown == real, "a failure that the dashboard would take for a refusal"


def test_promtool_takes_the_dashboards(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(dashboard_expressions())
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = run("promtool", "check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboards_are_whole() -> None:
    pages = dashboards()
    assert set(pages) == {"ingress", "turns", "outbox", "media", "inference", "tenants", "operator"}
    assert len({page["uid"] for page in pages.values()}) == len(pages)
    for page in pages.values():
        ids = [panel["id"] for panel in page["panels"]]
        assert len(set(ids)) == len(ids)
        assert all(panel["description"] and panel["targets"] for panel in page["panels"])
    rendered = render(merged(EXISTING, {"monitoring": {"dashboards": {"enabled": True}}}))
    maps = [
        one for one in rendered.of("ConfigMap") if one["metadata"]["name"].startswith("munshi-dashboard-")
    ]
    assert len(maps) == len(pages)
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in maps)
