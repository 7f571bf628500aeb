"""Servers of models on a node, switched on and off by `helm upgrade`: what tests ask of each of them."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rig.installed import NAMESPACE, Installed, Json, Shops, wait_for_cluster
from rig.talk import Talk

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
    "writable": [one for one in json.loads(sys.argv[2]) if writable(one)],
    "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    "reached": [name for name, address in json.loads(sys.argv[1]).items() if reached(tuple(address))],
}))
"""


async def switched(
    installed: Installed,
    shops: Shops,
    values: Mapping[str, str],
    settled: Callable[[Installed, Shops], None],
) -> None:
    """Upgrades the release while customers write, until it is `settled`; each is answered once, in order."""
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()))
        began = time.monotonic()
        async with talk.going_on(pause=2.0):
            await asyncio.to_thread(installed.upgrade, **values)
            await asyncio.to_thread(settled, installed, shops)
        sys.stdout.write(f"all runs anew after {time.monotonic() - began:.0f} s\n")
        await talk.others_write_until(lambda: installed.unknown_sends() == 0)
        await talk.answered()


def until_told(
    installed: Installed, shops: Shops, components: str, knows: Callable[[Json], bool], wanted: bool
) -> None:
    """Waits until all of the release is new, and tenants' pods know of a server, or no longer do.

    `components`: of those pods, with commas. `knows`: what a variable of a pod's container says of it.
    """
    installed.until_rolled_out()

    def told() -> bool:
        pods = installed.pods(f"app.kubernetes.io/component in ({components})", shops.namespace)
        return bool(pods) and all(_knows(pod, knows) == wanted and ready(pod) for pod in pods)

    wait_for_cluster(told, "all tenants' pods are new")
    installed.until_ready(shops.namespace)


def _knows(pod: Json, knows: Callable[[Json], bool]) -> bool:
    (container,) = pod["spec"]["containers"]
    return any(map(knows, container["env"]))


def ready(pod: Json) -> bool:
    """Whether the pod is."""
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ())
    )


def probed(
    installed: Installed, pod: str, addresses: Mapping[str, tuple[str, int]], folders: Sequence[str] = ()
) -> Any:
    """Who a pod of the release runs as, which folders it can write, which addresses it reaches, and whether
    it has a token of the API server."""
    given = json.dumps(addresses), json.dumps(folders)
    return json.loads(installed.python(pod, NAMESPACE, _PROBE, *given))


def reached_from(
    installed: Installed, components: Sequence[str], address: tuple[str, int]
) -> dict[str, bool]:
    """Which of the release's components reach an address."""
    found = {}
    for component in components:
        name = installed.pods(f"app.kubernetes.io/component={component}")[0]["metadata"]["name"]
        found[component] = bool(probed(installed, name, {"it": address})["reached"])
    return found


def told_memory(installed: Installed, pod: Json, name: str) -> None:
    """Writes the most memory that a pod has had."""
    peak = int(installed.python(pod["metadata"]["name"], NAMESPACE, _MEMORY))
    sys.stdout.write(f"{name}'s memory at its peak: {peak / 2**20:.0f} MiB\n")


async def goes_on(installed: Installed, shops: Shops) -> None:
    """A wave of messages, each of them answered."""
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()))
        await talk.wave()
        await talk.answered()


def until_gone(installed: Installed, labels: str) -> None:
    """Nothing of a server is left."""
    for kind in ("deployment", "service", "networkpolicy", "serviceaccount", "poddisruptionbudget"):
        assert installed.objects(kind, labels=labels) == []
    wait_for_cluster(lambda: installed.pods(labels) == [], "its pods are gone")
