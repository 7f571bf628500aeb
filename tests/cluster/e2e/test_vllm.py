"""vLLM switched on by `helm upgrade`, on the CPU, with a model of random weights: orchestrators ask it by the
platform's own chain of models, with a key out of a Secret; its death and its end cost no message."""

import asyncio
import functools
import json
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chart.rendering import EXISTING, merged, render
from rig.alerting import prometheus, target
from rig.installed import NAMESPACE, SECONDS, Installed, Json, Metrics, Shops, wait_for_cluster
from rig.kubernetes import build_images
from rig.model_servers import (
    goes_on,
    probed,
    reached_from,
    ready,
    switched,
    told_memory,
    until_gone,
    until_told,
)
from rig.pods import image
from rig.talk import Talk
from rig.vllm import CLAIM, MODEL, remove_model, set_up, write_model

VLLM = "app.kubernetes.io/name=munshi-vllm"
PORT = 8000
KEYS = "llm-keys"
START_SECONDS = 900
"""Longest start of a vLLM: half a minute on a free machine, minutes on one that is shared."""
REPOSITORY, TAG = image("vllm").split("/", 1)[1].split(":")
OFF = {
    "inference.vllm.enabled": "false",
    "inference.llm.existingSecret": "",
    "inference.vllm.existingSecret": "",
}
ON = {
    "inference.vllm.enabled": "true",
    "inference.vllm.gpu": "false",
    "inference.vllm.image.repository": REPOSITORY,
    "inference.vllm.image.tag": "",
    "inference.vllm.model": MODEL,
    "inference.vllm.modelsClaim": CLAIM,
    "inference.vllm.maxTokens": "1024",
    "inference.vllm.cpuCache": "1",
    "inference.vllm.promptPrice": "10",
    "inference.vllm.completionPrice": "30",
    "inference.vllm.seconds": "120",
    "inference.vllm.startSeconds": str(START_SECONDS),
    "inference.vllm.existingSecret": KEYS,
    "inference.llm.existingSecret": KEYS,
    # A small node is full otherwise.
    "inference.vllm.resources.requests.cpu": "100m",
    "inference.vllm.resources.requests.memory": "1Gi",
    "inference.vllm.resources.limits.memory": "6Gi",
}
FIRST, SECOND = "sk-of-the-first-day", "sk-of-the-second-day"
ASKER = (Path(__file__).parent / "asker.py").read_text()

pytestmark = [
    pytest.mark.skipif(not set_up(), reason="vLLM is not set up: run `make vllm` (2.3 GB)"),
    pytest.mark.timeout(2 * START_SECONDS),
    pytest.mark.usefixtures("vllm"),
]


@pytest.fixture(scope="module")
def vllm(installed: Installed, shops: Shops) -> Iterator[None]:
    """vLLM on the node, and orchestrators told of it, while customers write; it is taken away afterwards."""
    installed.node.load(*build_images("vllm"))
    write_model(installed)
    _give_key(installed, shops, FIRST)
    asyncio.run(switched(installed, shops, ON, _settled))
    yield
    if installed.objects("deployment", labels=VLLM):
        installed.upgrade(**OFF)
        _settled(installed, shops)
    for namespace in (NAMESPACE, shops.namespace):
        installed.node.kubectl("--namespace", namespace, "delete", "secret", KEYS, "--ignore-not-found")
    remove_model(installed)


def _give_key(installed: Installed, shops: Shops, key: str) -> None:
    """The same key for vLLM and the pool, and for the dedicated tenants."""
    for namespace in (NAMESPACE, shops.namespace):
        made = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": KEYS, "namespace": namespace},
            "stringData": {"vllm": key},
        }
        installed.node.kubectl("apply", "--filename", "-", stdin=json.dumps(made))


def _settled(installed: Installed, shops: Shops) -> None:
    """The release runs in its newest form, and each tenant's orchestrators know of vLLM, or no longer do."""
    wanted = bool(installed.objects("deployment", labels=VLLM))
    if wanted:
        _until_it_serves(installed)
    until_told(installed, shops, "orchestrator", _names_it, wanted)


def _until_it_serves(installed: Installed) -> None:
    began = time.monotonic()
    installed.kubectl("rollout", "status", "deployment/munshi-vllm", f"--timeout={START_SECONDS}s")
    sys.stdout.write(f"vLLM is ready after {time.monotonic() - began:.0f} s\n")


def _names_it(variable: Json) -> bool:
    return variable["name"] == "MUNSHI_LLM_MODELS" and "munshi-vllm" in variable["value"]


def _pod(installed: Installed) -> Json:
    (pod,) = installed.pods(VLLM)
    return pod


def _orchestrator(installed: Installed, shops: Shops, name: str) -> tuple[str, str]:
    """Namespace and name of a pod that works for a tenant."""
    namespace = shops.namespace if name in shops.dedicated else NAMESPACE
    pods = installed.pods("app.kubernetes.io/component=orchestrator", namespace)
    if name in shops.dedicated:
        pods = [pod for pod in pods if pod["metadata"]["name"].startswith(f"{name}-")]
    return namespace, pods[0]["metadata"]["name"]


def _asked(
    installed: Installed, shops: Shops, name: str, asked: Sequence[tuple[str, str]], budget: str = "5"
) -> list[Any]:
    """What the chain says in the pod of a tenant; last what the tenant's records hold."""
    namespace, pod = _orchestrator(installed, shops, name)
    given = {
        "tenant": f"{shops.namespace}_{name}",
        "asked": [{"how": how, "text": text} for how, text in asked],
        "budget": budget,
    }
    told = installed.python(pod, namespace, ASKER, json.dumps(given))
    return [json.loads(line) for line in told.splitlines() if line.startswith("{") and "event" not in line]


def _metrics(installed: Installed) -> Metrics:
    return installed.metrics(_pod(installed), PORT)


@pytest.mark.parametrize("pooled", [False, True])
def test_orchestrators_ask_it_and_the_tenants_records_hold_the_cost(
    installed: Installed, shops: Shops, pooled: bool
) -> None:
    name = (shops.pooled if pooled else shops.dedicated)[0]
    question = "How much does Ramesh, 9820012345, owe?"
    (before,) = _asked(installed, shops, name, [])
    asked = [("words", question), ("shape", question), ("stream", question)]
    *answers, after = _asked(installed, shops, name, asked)
    words, shaped, streamed = answers
    assert words["tokens"][0] > 20, answers
    assert words["tokens"][1] > 0, answers
    assert 0 <= shaped["score"] <= 9, "the schema holds, whatever the weights"
    assert streamed["pieces"] > 0, answers
    then, now = before["kept"] or [0, 0, 0, "0"], after["kept"]
    assert now[0] >= then[0] + 3
    prompts, completions = now[1] - then[1], now[2] - then[2]
    assert prompts > words["tokens"][0], "the others were counted too"
    price = (10 * Decimal(prompts) + 30 * Decimal(completions)) / 1_000_000
    assert abs(Decimal(now[3]) - Decimal(then[3]) - price) < Decimal("0.00001"), (then, now)
    sys.stdout.write(f"{name}: {prompts} and {completions} tokens, {price} dollars\n")


@pytest.mark.parametrize("pooled", [False, True])
def test_orchestrators_tell_that_it_takes_their_key(installed: Installed, shops: Shops, pooled: bool) -> None:
    namespace, pod = _orchestrator(installed, shops, (shops.pooled if pooled else shops.dedicated)[0])
    (told,) = _engines(installed, namespace, pod)
    assert (told["ready"], told["key"], told["model"]) == (True, "accepted", "vllm")


def _engines(installed: Installed, namespace: str, pod: str) -> list[Json]:
    """What `munshi status` shows of language models."""
    page = f"/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/engines"
    engines: list[Json] = json.loads(installed.node.kubectl("get", "--raw", page))
    return [one for one in engines if one["part"] == "llm"]


def test_a_budget_ends_the_asking(installed: Installed, shops: Shops) -> None:
    asked = _metrics(installed).total("vllm:request_success_total")
    with pytest.raises(AssertionError, match="budget of 0 dollars"):
        _asked(installed, shops, shops.dedicated[0], [("words", "Hello")], budget="0")
    assert _metrics(installed).total("vllm:request_success_total") == asked


def test_prompts_of_others_warm_nobody(installed: Installed, shops: Shops) -> None:
    """Who repeats his own prompt finds its beginning in the cache; who repeats another tenant's does not."""
    long = (
        f"{time.time_ns()} " + "the books of the shop, line after line; " * 15
    )  # several blocks of the cache

    def hits(name: str) -> float:
        before = _metrics(installed).total("vllm:prefix_cache_hits_total")
        answer, _ = _asked(installed, shops, name, [("words", long)])
        assert "text" in answer, answer
        return _metrics(installed).total("vllm:prefix_cache_hits_total") - before

    assert hits(shops.dedicated[0]) == 0
    assert hits(shops.dedicated[0]) > 0
    assert hits(shops.pooled[0]) == 0
    assert hits(shops.pooled[0]) > 0


_TRY = """
import json, sys, urllib.error, urllib.request
url, *keys = sys.argv[1:]
def status(page, key):
    asked = urllib.request.Request(url + page, headers={"Authorization": "Bearer " + key} if key else {})
    try: return urllib.request.urlopen(asked, timeout=20).status
    except urllib.error.HTTPError as error: return error.code
print(json.dumps([status("/v1/models", key) for key in ("", *keys)] + [status("/health", "")]))
"""


def _statuses(installed: Installed, *keys: str) -> list[int]:
    """What its models answer without a key and with these, and its health without; by a pod of the pool."""
    (pod, *_) = installed.pods("app.kubernetes.io/component=orchestrator")
    url = f"http://munshi-vllm.{NAMESPACE}.svc:{PORT}"
    told: list[int] = json.loads(installed.python(pod["metadata"]["name"], NAMESPACE, _TRY, url, *keys))
    return told


def test_nobody_is_served_without_the_key(installed: Installed) -> None:
    assert _statuses(installed, SECOND, FIRST) == [401, 401, 200, 200]


def _address(installed: Installed, service: str, namespace: str = NAMESPACE) -> str:
    """By number: that a name is not known says nothing of a policy."""
    told = installed.node.kubectl("--namespace", namespace, "get", "service", service, "--output=json")
    return str(json.loads(told)["spec"]["clusterIP"])


def test_it_writes_and_reaches_nothing(installed: Installed) -> None:
    servers = {
        "nats": (_address(installed, "munshi-demo-nats"), 4222),
        "postgres": (_address(installed, "munshi-demo-postgres"), 5432),
        "api": (_address(installed, "kubernetes", "default"), 443),
        "dns": (_address(installed, "kube-dns", "kube-system"), 53),
        "ingress": (_address(installed, "munshi-pool-ingress"), 80),
    }
    folders = ("/", "/opt", "/usr/bin", "/models", "/tmp")  # noqa: S108 (of the pod)
    told = probed(installed, _pod(installed)["metadata"]["name"], servers, folders)
    assert told == {"user": 65532, "writable": ["/tmp"], "token": False, "reached": []}  # noqa: S108


def test_only_orchestrators_reach_it(installed: Installed) -> None:
    address = (_address(installed, "munshi-vllm"), PORT)
    reached = reached_from(installed, ("orchestrator", "media", "ingress", "operator"), address)
    assert reached == {"orchestrator": True, "media": False, "ingress": False, "operator": False}


def test_alert_and_scaler_find_its_figures(installed: Installed, tmp_path: Path) -> None:
    """What the chart asks Prometheus about a vLLM has an answer with the real one."""
    values = {
        "inference": {
            "vllm": {"enabled": True, "model": MODEL, "modelsClaim": CLAIM, "maxReplicas": 2},
        },
        "networkPolicy": {"metricsFrom": [{"podSelector": {}}]},
        "autoscaling": {"prometheusUrl": "http://p:9090"},
    }
    scaler = render(merged(EXISTING, values)).one("ScaledObject", "munshi-vllm")
    queries = [one["metadata"]["query"] for one in scaler["spec"]["triggers"]]
    with prometheus(installed, tmp_path, [target(_pod(installed), PORT)]) as eyes:
        found = [_value(eyes.url, query) for query in queries]
        waiting = _value(eyes.url, 'avg(vllm:num_requests_waiting{pod=~"munshi-vllm-.*"})')
    assert len(found) == 2
    assert all(value is not None and 0 <= value <= 100 for value in found), found
    assert waiting == 0


def _value(url: str, query: str) -> float | None:
    asked = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 # ours
        (one,) = json.load(answer)["data"]["result"] or [None]
    return float(one["value"][1]) if one else None


async def test_killed_in_mid_answer_it_comes_back_with_the_key_that_there_is_now(
    installed: Installed, shops: Shops
) -> None:
    def restarts() -> int:
        return int(_pod(installed)["status"]["containerStatuses"][0]["restartCount"])

    def orchestrators() -> dict[str, int]:
        pods = [
            pod
            for namespace in (NAMESPACE, shops.namespace)
            for pod in installed.pods("app.kubernetes.io/component=orchestrator", namespace)
        ]
        return {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}

    before = orchestrators()
    assert restarts() == 0, _pod(installed)["status"]
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()))
        async with talk.going_on(pause=2.0):
            with ThreadPoolExecutor(1) as aside:
                asking = aside.submit(
                    _asked, installed, shops, shops.dedicated[0], [("until it breaks", "Tell a story.")]
                )
                await asyncio.to_thread(
                    wait_for_cluster,
                    lambda: _metrics(installed).total("vllm:num_requests_running") == 1,
                    "it answers",
                )
                await asyncio.to_thread(_give_key, installed, shops, SECOND)
                await asyncio.to_thread(installed.node.exec, "pkill", "-KILL", "-f", "^VLLM::|[.]api_server ")
                broken, kept = await asyncio.to_thread(asking.result, SECONDS)
            began = time.monotonic()
            await asyncio.to_thread(
                wait_for_cluster,
                lambda: restarts() == 1 and ready(_pod(installed)),
                "it is back",
                START_SECONDS,
            )
            sys.stdout.write(f"killed, it is ready again after {time.monotonic() - began:.0f} s\n")
        await talk.answered()
    assert broken["broke"] in ("the language model broke off", "no language model answered")
    assert kept["kept"][0] > 0
    assert _statuses(installed, FIRST, SECOND) == [401, 401, 200, 200]
    for name in (shops.pooled[0], shops.dedicated[0]):
        answers = functools.partial(_answers, installed, shops, name)
        await asyncio.to_thread(wait_for_cluster, answers, "a new key is read")
    assert orchestrators() == before, "no orchestrator was started anew"


def _answers(installed: Installed, shops: Shops, name: str) -> bool:
    answer, _ = _asked(installed, shops, name, [("words", "Hello")])
    return "text" in answer


async def test_without_it_messages_go_on(installed: Installed, shops: Shops) -> None:
    told_memory(installed, _pod(installed), "vLLM")
    await switched(installed, shops, OFF, _settled)
    until_gone(installed, VLLM)
    await goes_on(installed, shops)
