"""Writes are limited, counted, and the leader's alone."""

import asyncio

import pytest

from munshi_operator.api import NotLeading
from munshi_operator.kinds import TENANT
from munshi_operator.writing import Bucket, GuardedCluster
from rig.kube import MemoryApi, MemoryCluster
from rig.operating import secret


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    now = [0.0]
    bucket = Bucket(10.0, 5, lambda: now[0])
    assert [bucket.wait() for _ in range(5)] == [0.0] * 5
    assert bucket.wait() == pytest.approx(0.1)
    assert bucket.wait() == pytest.approx(0.2)
    now[0] = 10.0
    assert [bucket.wait() for _ in range(5)] == [0.0] * 5
    assert not bucket.try_take()


async def test_a_lease_that_ends_while_a_write_waits_stops_it() -> None:
    leading = [True]
    api = MemoryApi()
    cluster = GuardedCluster(MemoryCluster(api), Bucket(20.0, 1), 4, lambda: leading[0])
    await cluster.apply(secret("a"))
    second = asyncio.create_task(cluster.apply(secret("b")))
    await asyncio.sleep(0)
    leading[0] = False
    with pytest.raises(NotLeading):
        await second
    assert len(api.writes) == 1
    assert cluster.writes == {("apply", "Secret", "ok"): 1}
    assert TENANT.path("shops", "x") == "/apis/munshi.dev/v1alpha1/namespaces/shops/whatsapptenants/x"
