"""NVIDIA Triton switched on by `helm upgrade`, on the CPU: it reads what people say and send, its death costs
nothing, and without it all goes on."""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.alerting import prometheus, target
from rig.flood import Flood
from rig.installed import NAMESPACE, SECONDS, Installed, Json, Shops, wait_for_cluster
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
    asyncio.run(switched(installed, shops, ON, _settled))
    yield
    if installed.objects("deployment", labels=TRITON):
        installed.upgrade(**OFF)
        _settled(installed, shops)


def _settled(installed: Installed, shops: Shops) -> None:
    """The release runs in its newest form, and each tenant's pods know of Triton, or no longer do."""
    wanted = bool(installed.objects("deployment", labels=TRITON))
    until_told(installed, shops, "orchestrator,media", lambda one: one["name"] == "MUNSHI_TRITON_URL", wanted)


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
    told_memory(installed, _pod(installed), "Triton")


@pytest.mark.usefixtures("triton")
def test_triton_can_write_and_reach_nothing_that_it_does_not_need(installed: Installed) -> None:
    servers = {
        name: (f"munshi-demo-{name}.{NAMESPACE}.svc", port)
        for name, port in (("nats", 4222), ("postgres", 5432))
    }
    folders = ("/", "/opt/tritonserver", "/usr/bin", "/tmp")  # noqa: S108 (of the pod)
    told = probed(installed, _pod(installed)["metadata"]["name"], servers, folders)
    assert told == {"user": 65532, "writable": ["/tmp"], "token": False, "reached": []}  # noqa: S108


@pytest.mark.usefixtures("triton")
def test_only_who_reads_reaches_triton(installed: Installed) -> None:
    for port, files in ((8000, False), (8001, True)):
        address = (f"munshi-triton.{NAMESPACE}.svc", port)
        reached = reached_from(installed, ("orchestrator", "media", "ingress", "operator"), address)
        assert reached == {"orchestrator": True, "media": files, "ingress": False, "operator": False}


@pytest.mark.usefixtures("triton")
async def test_a_killed_triton_loses_and_doubles_nothing(installed: Installed, shops: Shops) -> None:
    def restarts() -> int:
        statuses = _pod(installed)["status"]["containerStatuses"]
        return int(statuses[0]["restartCount"])

    before = restarts()
    assert before == 0, _pod(installed)["status"]
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), people=6)
        async with talk.going_on(pause=0.2):
            await _waves(talk, 3)
            await asyncio.to_thread(installed.node.exec, "pkill", "-KILL", "-x", "tritonserver")
            await _waves(talk, 6)
        await talk.answered()
    wait_for_cluster(lambda: restarts() > before, "its container is started anew")
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
                await asyncio.to_thread(
                    wait_for_cluster, lambda: len(_working(installed)) == 2, "two pods read"
                )
                sys.stdout.write(f"two pods read pictures after {time.monotonic() - began:.0f} s\n")
            await flood.answered()
        began = time.monotonic()
        wait_for_cluster(lambda: len(installed.pods(TRITON)) == 1, "one pod is enough")
        sys.stdout.write(f"one pod alone after {time.monotonic() - began:.0f} s\n")
        installed.upgrade(**{"inference.triton.maxReplicas": "0"})
        wait_for_cluster(lambda: installed.objects("scaledobject") == [], "nothing scales any more")


def _working(installed: Installed) -> list[Json]:
    """Pods that have read pictures, not only the one that warms a model."""
    return [
        pod
        for pod in installed.pods(TRITON)
        if ready(pod)
        and installed.metrics(pod, METRICS).total("nv_inference_count_total", model="documents") > 1
    ]


@pytest.mark.usefixtures("triton")
async def test_without_triton_messages_go_on(installed: Installed, shops: Shops) -> None:
    await switched(installed, shops, OFF, _settled)
    until_gone(installed, TRITON)
    await goes_on(installed, shops)
