"""The disk of NATS is full: webhooks are refused, nothing is lost, the alert rises; with room it goes on."""

import asyncio
from typing import Any

from rig.alerting import Alerting, alerting
from rig.installed import Installed, Shops, wait_for_cluster
from rig.talk import Talk


def _fill(installed: Installed) -> None:
    """Takes all the room there is; what NATS frees meanwhile too."""
    ballast = f"{installed.disk('nats')}/ballast"
    installed.node.exec("sh", "-c", f"dd if=/dev/zero of={ballast} bs=64k 2>/dev/null; true")


def _make_room(installed: Installed) -> None:
    installed.node.exec("rm", "-f", f"{installed.disk('nats')}/ballast")


def _restart(installed: Installed) -> None:
    """As the runbook says: NATS itself goes on refusing for some streams when there is room again."""
    installed.kubectl("rollout", "restart", "statefulset/munshi-demo-nats")
    installed.until_rolled_out()


async def _refused(talk: Talk) -> set[Any]:
    """What ingress said last to messages of the talk that it has not taken."""
    said = set(talk.wamids)  # others may wait for a tenant that is gone
    waiting = [one for one in await talk.meta.updates() if one["wamid"] in said]
    return {one["last_code"] for one in waiting} - {None, 200}


async def test_a_full_disk_of_the_bus_loses_nothing_and_is_told(
    installed: Installed, shops: Shops, tmp_path: Any
) -> None:
    with alerting(installed, tmp_path) as alerts:
        async with installed.emulator() as meta:
            talk = Talk(meta, list(shops.numbers.values()), people=4)
            await talk.wave()
            await talk.answered()
            await asyncio.to_thread(_fill, installed)
            try:
                await talk.wave(taken=False)
                await asyncio.to_thread(_until_told, alerts)
                assert await talk.untaken()
                assert await _refused(talk) <= {503, 0}
            finally:
                await asyncio.to_thread(_make_room, installed)
                await asyncio.to_thread(_restart, installed)
            await talk.taken(180)
            await talk.others_write_until(lambda: installed.unknown_sends() == 0)
            await talk.wave()
            await talk.answered()


def _until_told(alerts: Alerting) -> None:
    """The expression of the alert holds: it is pending, or fires already."""
    wait_for_cluster(lambda: "MunshiWebhooksRefused" in alerts.raised(), "the alert of refused webhooks", 120)
