"""`helm upgrade` while customers write: paced, stopped by a failure, and nothing lost."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from rig.installed import RELEASE, Installed, Shops, wait_for_cluster
from rig.pods import image
from rig.talk import Talk

NEXT, BROKEN = "next", "broken"
SERVICES = ("ingress", "media", "orchestrator")
"""Of which a dedicated tenant has pods of its own."""


@pytest.fixture(scope="module", autouse=True)
def versions(installed: Installed) -> None:
    """More tags on the node: new versions of the services and the operator, and one that cannot start."""
    for name in (*SERVICES, "operator"):
        installed.node.tag(image(name), image(name).replace(":0.1.0", f":{NEXT}"))
    installed.node.tag(image("migrations"), image("orchestrator").replace(":0.1.0", f":{BROKEN}"))


def _deployments(installed: Installed, shops: Shops) -> dict[str, list[Any]]:
    """Of each dedicated tenant."""
    found: dict[str, list[Any]] = {}
    for one in installed.objects("deployments", shops.namespace):
        found.setdefault(one["metadata"]["labels"]["munshi.dev/tenant"], []).append(one)
    return found


def _settled(deployment: Any) -> bool:
    """All its pods are of the newest version. An old one goes only when a new one is ready, so they have been
    ready; that a loaded machine makes one miss a probe is no roll-out."""
    wanted, status = deployment["spec"]["replicas"], deployment["status"]
    return bool(
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted
    )


def _tag(deployment: Any) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


def _roll(installed: Installed, shops: Shops, tag: str) -> int:
    """Waits until all pods of all tenants are of a version; gives back how many tenants rolled at once."""
    most, deadline = 0, time.monotonic() + 240
    while time.monotonic() < deadline:
        found = _deployments(installed, shops)
        rolling = [name for name, them in found.items() if not all(map(_settled, them))]
        most = max(most, len(rolling))
        if not rolling and {_tag(one) for them in found.values() for one in them} == {tag}:
            return most
    raise AssertionError(f"not all of {tag}: {_deployments(installed, shops)}")


def _pods(installed: Installed, shops: Shops, *tenants: str) -> set[str]:
    labels = f"munshi.dev/tenant in ({','.join(tenants)})"
    return {pod["metadata"]["uid"] for pod in installed.pods(labels, shops.namespace)}


async def test_a_new_version_rolls_tenant_by_tenant_and_loses_nothing(
    installed: Installed, shops: Shops
) -> None:
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), people=8)
        async with talk.going_on(pause=1.0):
            tags = {f"images.{name}.tag": NEXT for name in SERVICES}
            await asyncio.to_thread(installed.upgrade, **tags)
            at_once = await asyncio.to_thread(_roll, installed, shops, NEXT)
            await asyncio.to_thread(installed.until_rolled_out)
        await talk.others_write_until(lambda: installed.unknown_sends() == 0)
        await talk.answered()
    said = len(talk.wamids)
    sys.stdout.write(f"{said} messages during the roll-out; longest until taken: {talk.longest:.1f} s\n")
    assert at_once == 1


def _looked_at_all(installed: Installed, shops: Shops) -> Callable[[], bool]:
    tenants = len(installed.objects("wat", shops.namespace))
    return lambda: installed.leader_metric("munshi_operator_reconcile_seconds_count") >= tenants


async def test_a_new_operator_restarts_no_tenant(installed: Installed, shops: Shops) -> None:
    before = _pods(installed, shops, *shops.dedicated)
    await asyncio.to_thread(installed.upgrade, **{"images.operator.tag": NEXT})
    installed.until_rolled_out()
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()))
        await talk.wave()
        await talk.answered()
    wait_for_cluster(_looked_at_all(installed, shops), "the new operator has looked at every tenant")
    assert _pods(installed, shops, *shops.dedicated) == before


async def test_a_version_that_cannot_start_stops_at_the_first_tenant(
    installed: Installed, shops: Shops
) -> None:
    before = {name: _pods(installed, shops, name) for name in shops.dedicated}
    installed.upgrade(**{"images.orchestrator.tag": BROKEN})

    def stopped() -> list[str]:
        tags = {name: {_tag(one) for one in them} for name, them in _deployments(installed, shops).items()}
        failed = installed.leader_metric("munshi_operator_rollout_failed")
        return [name for name, seen in tags.items() if BROKEN in seen] if failed == 1 else []

    (first,) = wait_for_cluster(stopped, "the roll-out has stopped")
    (second,) = set(shops.dedicated) - {first}
    assert _pods(installed, shops, second) == before[second]
    assert before[first] < _pods(installed, shops, first)  # the old ones go on beside the one that fails
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()))
        await talk.wave()
        await talk.answered()
    installed.helm("rollback", RELEASE)
    assert _roll(installed, shops, NEXT) <= 1
    installed.until_rolled_out()
    installed.until_ready(shops.namespace)
    assert _pods(installed, shops, second) == before[second]
