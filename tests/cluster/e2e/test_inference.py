"""NVIDIA Triton switched on by `helm upgrade`, on the CPU: it reads what people say and send, its death costs
nothing, and without it all goes on."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.alerting import prometheus, target
from rig.flood import Flood
from rig.installed import NAMESPACE, SECONDS, Installed, Json, Shops, eventually
from rig.kubernetes import build_images
from rig.receipts import GUPTA, receipt
from rig.scaling import built, keda
from rig.talk import Talk

TRITON = "app.kubernetes.io/name=munshi-triton"
LINES = [line.format(date="03/11/2026") for line in GUPTA]
OFF = {"inference.triton.enabled": "false"}
ON = {
    "inference.triton.enabled": "true",
    # A small node is full otherwise.
    "inference.triton.resources.requests.cpu": "100m",
    "inference.triton.resources.requests.memory": "512Mi",
}
SCALED = {
    "inference.triton.maxReplicas": "2",
    # Minutes in production: how long they are is not what is tested.
    "inference.triton.queueSeconds": "20",
    "inference.triton.scaleDownSeconds": "0",
}
METRICS = 8002

pytestmark = pytest.mark.timeout(4 * SECONDS)


@pytest.fixture(scope="module")
def triton(installed: Installed, shops: Shops) -> Iterator[None]:
    """Triton on the node, and everybody told of it, while customers write; it is taken away afterwards."""
    installed.node.load(*build_images("--triton", "wheel", "inference"))
    asyncio.run(_switched(installed, shops, "71", ON))
    yield
    if installed.objects("deployment", labels=TRITON):
        installed.upgrade(**OFF)
        _settled(installed, shops)


async def _switched(installed: Installed, shops: Shops, name: str, values: dict[str, str]) -> None:
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), name)
        async with talk.going_on(pause=2.0):
            await asyncio.to_thread(installed.upgrade, **values)
            await asyncio.to_thread(_settled, installed, shops)
        await talk.others_write_until(lambda: installed.unknown_sends() == 0)
        await talk.answered()


def _settled(installed: Installed, shops: Shops) -> None:
    """The release runs in its newest form, and each tenant's pods know of Triton, or no longer do."""
    installed.until_rolled_out()
    wanted = bool(installed.objects("deployment", labels=TRITON))

    def told() -> bool:
        pods = installed.pods("app.kubernetes.io/component in (orchestrator,media)", shops.namespace)
        return bool(pods) and all(_knows(pod) == wanted and _ready(pod) for pod in pods)

    eventually(told, "all tenants' pods are new")
    installed.until_ready(shops.namespace)


def _knows(pod: Json) -> bool:
    (container,) = pod["spec"]["containers"]
    return any(one["name"] == "MUNSHI_TRITON_URL" for one in container["env"])


def _ready(pod: Json) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ())
    )


def _pod(installed: Installed) -> Json:
    (pod,) = installed.pods(TRITON)
    return pod


def _read(installed: Installed, model: str) -> float:
    """How much a model has read since its server began, by Triton's own count."""
    # Triton's counters do not end in _total, which the parser adds.
    return installed.metrics(_pod(installed), METRICS).total("nv_inference_count_total", model=model)


async def _ask(installed: Installed, number: str, person: str, amount: int) -> None:
    """Somebody says what nobody said before, so that no kept reading answers it; and it is answered."""
    async with installed.emulator() as meta:
        await meta.say(number, person, f"Ramesh ko {amount} udhaar diya")
        asked = {"person": person, "phone_number_id": number, "direction": "out"}
        (said,) = await meta.wait_for(1, timeout_seconds=SECONDS, **asked)
    assert f"{amount}" in str(said).replace(",", ""), said


async def _until_asked(installed: Installed, number: str, people: str, amount: int) -> None:
    """Says things that nobody said until Triton reads one: a pod that finds it away or busy reads alone."""
    before = _read(installed, "ledger_nlu")
    for count in range(60):
        await _ask(installed, number, f"{people}{count:0{12 - len(people)}d}", amount + count)
        if _read(installed, "ledger_nlu") > before:
            return
    raise AssertionError("nobody asks Triton")


@pytest.mark.usefixtures("triton")
@pytest.mark.parametrize("pooled", [False, True])
async def test_messages_are_understood_by_triton(installed: Installed, shops: Shops, pooled: bool) -> None:
    number = shops.numbers[(shops.pooled if pooled else shops.dedicated)[0]]
    for count in range(3):
        await _until_asked(
            installed, number, f"9172{int(pooled)}{count}", 1000 + 500 * int(pooled) + 100 * count
        )


@pytest.mark.usefixtures("triton")
@pytest.mark.parametrize("pooled", [False, True])
async def test_a_receipt_is_read_by_triton(installed: Installed, shops: Shops, pooled: bool) -> None:
    number = shops.numbers[(shops.pooled if pooled else shops.dedicated)[0]]
    person = f"91730000000{int(pooled)}"
    await _ask(installed, number, person, 7301)  # whose vendors are known by name is a person who is known
    pictures, vendors = _read(installed, "documents"), _read(installed, "embeddings")
    async with installed.emulator() as meta:
        await meta.send_file(number, person, receipt(LINES), "image/jpeg")
        asked = {"person": person, "phone_number_id": number, "direction": "out"}
        said = await meta.wait_for(2, timeout_seconds=SECONDS, **asked)
        if "640" not in str(said):  # that it takes a moment is said first
            said = await meta.wait_for(3, timeout_seconds=SECONDS, **asked)
    assert "640" in str(said), said
    assert _read(installed, "documents") == pictures + 1
    assert _read(installed, "embeddings") == vendors + 1  # whether its vendor's bills came before
    peak = int(installed.python(_pod(installed)["metadata"]["name"], NAMESPACE, _MEMORY))
    sys.stdout.write(f"Triton's memory at its peak: {peak / 2**20:.0f} MiB\n")


_MEMORY = """
import pathlib
for path in ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"):
    if pathlib.Path(path).exists(): print(pathlib.Path(path).read_text()); break
else: print(0)
"""
_PROBE = """
import json, os, pathlib, socket, sys
def writable(path):
    try: pathlib.Path(path, "probe").write_text(""); return True
    except OSError: return False
def reached(address):
    try: socket.create_connection(address, 3).close(); return True
    except OSError: return False
print(json.dumps({
    "user": os.getuid(),
    "writable": [one for one in ("/", "/opt/tritonserver", "/usr/bin", "/tmp") if writable(one)],
    "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    "reached": [name for name, address in json.loads(sys.argv[1]).items() if reached(tuple(address))],
}))
"""


def _probed(installed: Installed, pod: str, addresses: dict[str, Any]) -> Any:
    return json.loads(installed.python(pod, NAMESPACE, _PROBE, json.dumps(addresses)))


@pytest.mark.usefixtures("triton")
def test_triton_can_write_and_reach_nothing_that_it_does_not_need(installed: Installed) -> None:
    servers = {
        name: (f"munshi-demo-{name}.{NAMESPACE}.svc", port)
        for name, port in (("nats", 4222), ("postgres", 5432))
    }
    told = _probed(installed, _pod(installed)["metadata"]["name"], servers)
    assert told == {"user": 65532, "writable": ["/tmp"], "token": False, "reached": []}  # noqa: S108


@pytest.mark.usefixtures("triton")
def test_only_who_reads_reaches_triton(installed: Installed) -> None:
    triton = {"triton": (f"munshi-triton.{NAMESPACE}.svc", 8001)}
    reached = {}
    for component in ("orchestrator", "media", "ingress", "operator"):
        labels = f"app.kubernetes.io/component={component}"
        name = installed.pods(labels)[0]["metadata"]["name"]
        reached[component] = _probed(installed, name, triton)["reached"] == ["triton"]
    assert reached == {"orchestrator": True, "media": True, "ingress": False, "operator": False}


@pytest.mark.usefixtures("triton")
async def test_a_killed_triton_loses_and_doubles_nothing(installed: Installed, shops: Shops) -> None:
    def restarts() -> int:
        statuses = _pod(installed)["status"]["containerStatuses"]
        return int(statuses[0]["restartCount"])

    before = restarts()
    assert before == 0, _pod(installed)["status"]
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), "74", people=6)
        async with talk.going_on(pause=0.2):
            await _waves(talk, 3)
            await asyncio.to_thread(installed.node.exec, "pkill", "-KILL", "-x", "tritonserver")
            await _waves(talk, 6)
        await talk.answered()
    eventually(lambda: restarts() > before, "its container is started anew")
    installed.until_rolled_out()
    for count, name in enumerate((shops.pooled[0], shops.dedicated[0])):
        await _until_asked(installed, shops.numbers[name], f"9175{count}", 8000 + 100 * count)


async def _waves(talk: Talk, count: int) -> None:
    """Waits until everybody has said so much more."""
    said = len(talk.wamids)
    people = talk.people * len(talk.numbers)
    async with asyncio.timeout(SECONDS):
        while len(talk.wamids) < said + count * people:
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("triton")
async def test_keda_adds_a_pod_while_pictures_wait_and_takes_it_away(
    installed: Installed, shops: Shops, tmp_path: Path
) -> None:
    built()
    first = _pod(installed)
    host = installed.node.exec("ip", "route", "show", "default").split()[2]
    with (
        prometheus(installed, tmp_path, [target(first, METRICS)], host) as eyes,
        keda(installed.node),
    ):
        installed.upgrade(**SCALED, **{"autoscaling.prometheusUrl": eyes.url})
        installed.kubectl(
            "wait", "scaledobject/munshi-triton", "--for=condition=Ready", f"--timeout={SECONDS}s"
        )
        async with installed.emulator() as meta:
            flood = Flood(meta, list(shops.numbers.values()), "78")
            async with flood.going_on():
                began = time.monotonic()
                await asyncio.to_thread(eventually, lambda: len(_working(installed)) == 2, "two pods read")
                sys.stdout.write(f"two pods read pictures after {time.monotonic() - began:.0f} s\n")
            await flood.answered()
        began = time.monotonic()
        eventually(lambda: len(installed.pods(TRITON)) == 1, "one pod is enough")
        sys.stdout.write(f"one pod alone after {time.monotonic() - began:.0f} s\n")
        installed.upgrade(**{"inference.triton.maxReplicas": "0"})
        eventually(lambda: installed.objects("scaledobject") == [], "nothing scales any more")


def _working(installed: Installed) -> list[Json]:
    """Pods that have read pictures, not only the one that warms a model."""
    return [
        pod
        for pod in installed.pods(TRITON)
        if _ready(pod)
        and installed.metrics(pod, METRICS).total("nv_inference_count_total", model="documents") > 1
    ]


@pytest.mark.usefixtures("triton")
async def test_without_triton_messages_go_on(installed: Installed, shops: Shops) -> None:
    await _switched(installed, shops, "76", OFF)
    for kind in ("deployment", "service", "networkpolicy", "serviceaccount", "poddisruptionbudget"):
        assert installed.objects(kind, labels=TRITON) == []
    eventually(lambda: installed.pods(TRITON) == [], "its pods are gone")
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), "77")
        await talk.wave()
        await talk.answered()
