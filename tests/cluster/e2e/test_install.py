"""Munshi by `helm install`, tenants by `kubectl apply`, answers from the tenants' own pods."""

import sys

from rig.installed import NAMESPACE, RELEASE, Installed, Shops, wait_for_cluster
from rig.talk import Talk

POOL = "munshi-pool"


def test_the_release_passes_its_own_test(installed: Installed) -> None:
    installed.helm("test", RELEASE, "--timeout=120s")


def test_tenants_are_ready_a_minute_after_their_apply(shops: Shops) -> None:
    sys.stdout.write(f"{len(shops.numbers)} tenants were Ready {shops.seconds:.0f} s after their apply\n")
    assert shops.seconds <= 120


def test_a_list_says_how_tenants_are(installed: Installed, shops: Shops) -> None:
    def as_they_should() -> bool:
        told = installed.node.kubectl("--namespace", shops.namespace, "get", "wat")
        head, *rows = told.splitlines()
        assert head.split() == ["NAME", "ASSISTANT", "READY", "REASON", "URL", "AGE"], told
        assert len(rows) == len(shops.numbers), told
        for row in rows:
            name, assistant, ready, reason, url, _ = row.split()
            assert (assistant, ready, reason) == ("Ledger", "True", "Serving"), told
            assert url.endswith(f"/webhooks/whatsapp/shops_{name}"), told
        return True

    # A pod that misses a probe takes its tenant's Ready away for a moment.
    wait_for_cluster(as_they_should, "the list says that all are served")


def _worked(installed: Installed, shops: Shops) -> dict[str, tuple[float, float]]:
    """Messages kept and turns made by the pods of each dedicated tenant, and by the pool's."""
    worked = {}
    for name, namespace in [*((one, shops.namespace) for one in shops.dedicated), (POOL, NAMESPACE)]:
        kept, turns = 0.0, 0.0
        for pod in installed.pods(f"app.kubernetes.io/instance={name}", namespace):
            metrics = installed.metrics(pod)
            kept += metrics.total("munshi_ingress_events_total", kind="message")
            turns += metrics.total("munshi_turns_total")
        worked[name] = kept, turns
    return worked


async def test_each_tenant_is_answered_by_its_own_pods(installed: Installed, shops: Shops) -> None:
    before = _worked(installed, shops)
    said: dict[str, int] = {}
    async with installed.emulator() as meta:
        for count, name in enumerate(shops.numbers, start=1):  # each another number of messages
            talk = Talk(meta, [shops.numbers[name]], people=count)
            await talk.wave()
            await talk.answered()
            cell = name if name in shops.dedicated else POOL
            said[cell] = said.get(cell, 0) + count
    after = _worked(installed, shops)
    assert {one: (kept - before[one][0], turns - before[one][1]) for one, (kept, turns) in after.items()} == {
        one: (count, count) for one, count in said.items()
    }
