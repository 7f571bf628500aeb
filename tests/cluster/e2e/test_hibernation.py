"""A tenant sleeps with its ingress awake, wakes on the first webhook, and sleeps again."""

import json

from rig.installed import Installed, tenant, wait_for_cluster
from rig.talk import Talk

NUMBER = "106540352241001"


def _pods(installed: Installed, namespace: str, component: str) -> int:
    return len(installed.pods(f"app.kubernetes.io/component={component}", namespace))


async def test_the_first_webhook_wakes_a_tenant_and_nothing_is_lost(installed: Installed) -> None:
    with installed.namespace("sleepers") as namespace:
        installed.node.kubectl("apply", "--filename", "-", stdin=tenant("night", namespace, NUMBER))
        installed.until_ready(namespace)
        asleep = json.dumps({"spec": {"hibernated": True}})
        installed.node.kubectl("-n", namespace, "patch", "wat", "night", "--type=merge", "--patch", asleep)

        def sleeps() -> bool:
            return _pods(installed, namespace, "orchestrator") == 0

        wait_for_cluster(sleeps, "the orchestrator has no pod")
        assert _pods(installed, namespace, "ingress") == 2
        async with installed.emulator() as meta:
            talk = Talk(meta, [NUMBER], people=5)
            for _ in range(3):
                await talk.wave()  # each is taken by ingress, whoever sleeps
            await talk.answered()
        wait_for_cluster(sleeps, "it sleeps again when nothing has come for a while")

        def told() -> bool:
            return bool(installed.objects("wat", namespace)[0]["status"]["phase"] == "Hibernated")

        wait_for_cluster(told, "its status says so")
