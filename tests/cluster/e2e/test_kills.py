"""Pods are killed without a word while customers write."""

import asyncio

from rig.installed import NAMESPACE, Installed, Shops
from rig.talk import Talk

POOL = "app.kubernetes.io/instance=munshi-pool,app.kubernetes.io/component"


async def test_killed_pods_lose_and_double_nothing(installed: Installed, shops: Shops) -> None:
    first = shops.dedicated[0]
    victims = [
        (f"{POOL}=orchestrator", NAMESPACE),
        ("app.kubernetes.io/component=operator", NAMESPACE),
        (f"app.kubernetes.io/component=orchestrator,app.kubernetes.io/instance={first}", shops.namespace),
        (f"{POOL}=ingress", NAMESPACE),
        (f"app.kubernetes.io/component=ingress,app.kubernetes.io/instance={first}", shops.namespace),
    ]
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), people=8)
        async with talk.going_on(pause=0.2):
            for labels, namespace in victims:
                await asyncio.to_thread(_kill_one, installed, labels, namespace)
                await asyncio.to_thread(installed.until_rolled_out)
            await asyncio.to_thread(_kill_processes, installed)
        await asyncio.to_thread(installed.until_rolled_out)
        await asyncio.to_thread(installed.until_ready, shops.namespace)
        await talk.others_write_until(lambda: installed.unknown_sends() == 0)
        await talk.wave()
        await talk.answered()


def _kill_one(installed: Installed, labels: str, namespace: str) -> None:
    """The pod is gone at once, for the API and as a process."""
    pod = installed.pods(labels, namespace)[0]["metadata"]["name"]
    installed.node.kubectl("-n", namespace, "delete", "pod", pod, "--force", "--grace-period=0")


def _kill_processes(installed: Installed) -> None:
    """`kill -9` of every orchestrator and every ingress at one moment."""
    installed.node.exec("pkill", "-KILL", "-f", "munshi_orchestrator|munshi_ingress")
