"""The program on an API server that refuses, hangs, dies, or whose watches are cut, late or silent."""

import asyncio
import itertools
import random
import signal
from typing import Any

import psutil
import pytest

from munshi_operator.kinds import LEASE, SERVICE, TENANT
from rig.api_proxy import ApiProxy, Asked, Refusal
from rig.kubernetes import Cluster
from rig.operating import tenant
from rig.program import Program

TOO_MANY = Refusal(429, "TooManyRequests", {"Retry-After": "1"})
CONFLICT = Refusal(409, "Conflict")
EXPIRED = Refusal(410, "Expired", in_stream=True)


async def test_every_second_write_is_refused(program: Program, proxy: ApiProxy) -> None:
    luck, renewals = random.Random(4), itertools.count()
    refusals = itertools.cycle([TOO_MANY, CONFLICT, Refusal(500, "InternalError"), Refusal(503, "Away")])

    def refuse(asked: Asked) -> Refusal | None:
        if asked.method == "GET":
            return None
        # In a turn of the Lease's own: luck can refuse it until the lead rightly ends.
        unlucky = next(renewals) % 2 if asked.plural == LEASE.plural else luck.random() < 0.5
        return next(refusals) if unlucky else None

    proxy.refuse = refuse
    program.start(BACKOFF_SECONDS=0.1, BACKOFF_MOST_SECONDS=1)
    await program.apply_shop("sharma")
    await program.until_ready("sharma", seconds=120)
    await program.apply(tenant("sharma", isolation="Pooled"))

    async def moved() -> bool:
        found = await program.get(TENANT, "sharma") or {}
        return found["status"].get("cell") == "pool" and not await program.children()

    await program.until(moved, "it moves all the same", seconds=180)
    assert {status for _, status in proxy.answers} >= {409, 429, 500, 503}


def limits_of_one_seat(user: str) -> list[tuple[str, dict[str, Any]]]:
    """A user with all rights and one seat, by the server's own priority and fairness; with their paths."""
    group = "rbac.authorization.k8s.io"
    seat = {"nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0}
    reject = {"type": "Limited", "limited": {**seat, "limitResponse": {"type": "Reject"}}}
    names = {name: ["*"] for name in ("verbs", "apiGroups", "resources", "namespaces")}
    rule = {
        "subjects": [{"kind": "User", "user": {"name": user}}],
        "resourceRules": [{**names, "clusterScope": True}],
    }
    bodies: dict[str, dict[str, Any]] = {
        f"{group}/v1/clusterrolebindings": {
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "User", "apiGroup": group, "name": user}],
        },
        "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": {"spec": reject},
        "flowcontrol.apiserver.k8s.io/v1/flowschemas": {
            "spec": {
                "priorityLevelConfiguration": {"name": user},
                "matchingPrecedence": 500,
                "rules": [rule],
            }
        },
    }
    return [(f"/apis/{place}", {"metadata": {"name": user}, **body}) for place, body in bodies.items()]


async def test_a_server_that_limits_the_operator_gets_all_done(program: Program, proxy: ApiProxy) -> None:
    """By the server's own priority and fairness: one request at a time, the others get 429."""
    user = f"operator-{program.namespace}"
    made = limits_of_one_seat(user)
    for path, manifest in made:
        (await program.client.post(path, json=manifest)).raise_for_status()
    try:
        proxy.as_user = user
        # The Lease waits for the one seat too: its renewals get time for many tries.
        program.start(BACKOFF_SECONDS=0.1, BACKOFF_MOST_SECONDS=1, LEASE_SECONDS=120)
        shops = [f"shop-{number}" for number in range(20)]
        for number, name in enumerate(shops):
            await program.apply_shop(name, number=str(1_000_000 + number))
        for name in shops:  # the Lease, when its seat is taken, is asked for again 40 s later
            await program.until_ready(name, seconds=200)
        assert proxy.answers["PATCH", 429] > 0, proxy.answers
    finally:
        for path, _ in made:
            await program.client.delete(f"{path}/{user}")


async def test_what_goes_while_all_watches_are_cut_is_made_again(program: Program, proxy: ApiProxy) -> None:
    program.start()
    await program.apply_shop("sharma")
    await program.until_ready("sharma")
    proxy.refuse = lambda asked: Refusal(503, "Away") if asked.watches else None
    assert proxy.cut_watches() >= 5
    await program.client.delete(SERVICE.path(program.namespace, "sharma-ingress"))
    await program.apply(tenant("sharma", replicas=2))
    proxy.refuse = lambda _: None

    async def as_wanted() -> bool:
        there = await program.get(SERVICE, "sharma-ingress") is not None
        return there and await program.replicas("sharma-orchestrator") == 2

    await program.until(as_wanted, "change and deletion are noticed")


async def test_a_place_in_the_watch_that_the_server_has_forgotten(program: Program, proxy: ApiProxy) -> None:
    program.start()
    await program.apply_shop("sharma")
    await program.until_ready("sharma")
    forgotten = itertools.count()
    proxy.refuse = lambda asked: EXPIRED if asked.watches and next(forgotten) < 40 else None
    proxy.cut_watches()
    await program.client.delete(SERVICE.path(program.namespace, "sharma-ingress"))

    async def back() -> bool:
        return await program.get(SERVICE, "sharma-ingress") is not None

    await program.until(back, "it lists anew")
    await program.apply(tenant("sharma", replicas=2))

    async def scaled() -> bool:
        return await program.replicas("sharma-orchestrator") == 2

    await program.until(scaled, "the tenants are watched again", seconds=90)


async def test_a_deaf_watch_of_tenants_is_made_up_for_by_the_census(
    program: Program, proxy: ApiProxy
) -> None:
    process = program.start(CENSUS_SECONDS=2)
    await program.apply_shop("sharma", isolation="Pooled")
    await program.until_ready("sharma")
    proxy.deaf = frozenset({TENANT.plural})
    await program.apply(tenant("sharma", isolation="Pooled", displayName="New"))
    await program.until_ready("sharma")
    assert process.poll() is None


def api_server(cluster: Cluster) -> psutil.Process:
    """The server's process, by the folder that is this cluster's alone."""
    folder = str(cluster.kubeconfig.parent)
    return next(
        one
        for one in psutil.process_iter()
        if one.name() == "kube-apiserver" and any(folder in word for word in one.cmdline())
    )


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_the_server_goes_and_comes_back(program: Program, control_plane: Cluster, how: str) -> None:
    if control_plane.by == "kind":
        pytest.skip("the server of a cluster by kind is not a process of this machine")
    process = program.start(LEASE_SECONDS=600)  # longer than a server's restart takes on any machine
    for name in ("sharma", "gupta"):
        await program.apply_shop(name, isolation="Dedicated" if name == "sharma" else "Pooled")
        await program.until_ready(name)
    if how == "stopped":
        server = api_server(control_plane)
        server.suspend()
        try:
            await asyncio.sleep(8)  # what is measured is that nothing ends meanwhile
        finally:
            server.resume()
    else:
        await asyncio.to_thread(control_plane.restart_api)
    await program.client.delete(SERVICE.path(program.namespace, "sharma-ingress"))
    await program.apply(tenant("gupta", isolation="Pooled", displayName="New"))

    async def back() -> bool:
        there = await program.get(SERVICE, "sharma-ingress") is not None
        return there and await program.ready("gupta") and await program.ready("sharma")

    await program.until(back, "the same process goes on", seconds=90)
    assert process.poll() is None


async def test_a_leader_that_slept_past_its_lease_writes_nothing_when_it_wakes(
    program: Program, proxy: ApiProxy
) -> None:
    first = program.start("a")
    await program.apply_shop("sharma", isolation="Pooled")
    await program.until_ready("sharma")
    first.send_signal(signal.SIGSTOP)
    second = program.start("b")

    async def led_by_the_second() -> bool:
        return await program.leader() == "b"

    await program.until(led_by_the_second, "the second leads", seconds=120)
    await program.apply(tenant("sharma", isolation="Pooled", displayName="New"))
    await program.until_ready("sharma")
    second.send_signal(signal.SIGSTOP)  # so that every write from here on would be the first one's
    await program.apply(tenant("sharma", isolation="Pooled", displayName="Newer"))
    before = dict(proxy.answers)
    first.send_signal(signal.SIGCONT)
    assert await asyncio.to_thread(first.wait, 60) == 1, program.logs()
    wrote = {key: count - before.get(key, 0) for key, count in proxy.answers.items() if key[0] == "PATCH"}
    assert sum(wrote.values()) == 0
    second.send_signal(signal.SIGCONT)


async def test_a_leader_killed_in_a_storm_is_followed_and_none_is_forgotten(program: Program) -> None:
    shops = [f"shop-{number}" for number in range(100)]
    first = program.start("a")
    for number, name in enumerate(shops):
        await program.apply_shop(name, isolation="Pooled", number=str(1_000_000 + number))

    async def some() -> bool:
        return await program.ready_tenants() >= 20

    await program.until(some, "the storm is half over")
    program.start("b")
    first.kill()

    async def all_ready() -> bool:
        return await program.ready_tenants() == len(shops)

    await program.until(all_ready, "all are Ready", seconds=180)


async def test_a_storm_holds_no_single_change_up(program: Program) -> None:
    shops = [f"shop-{number}" for number in range(150)]
    program.start()
    await program.apply_shop("single", number="999999")
    for number, name in enumerate(shops):
        await program.apply_shop(name, isolation="Pooled", number=str(1_000_000 + number))

    async def all_ready() -> bool:
        return await program.ready_tenants() == len(shops) + 1

    await program.until(all_ready, "all are Ready", seconds=120)
    for number, name in enumerate(shops):
        await program.apply(tenant(name, str(1_000_000 + number), isolation="Pooled", displayName="New"))
    await program.apply(tenant("single", "999999", replicas=2))

    async def scaled() -> bool:
        return await program.replicas("single-orchestrator") == 2

    await program.until(scaled, "the single change is done")
    await program.until(all_ready, "all are Ready", seconds=120)
