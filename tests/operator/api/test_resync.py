"""How much is done at once, and when tenants at rest are looked at again."""

from collections import defaultdict
from itertools import pairwise
from time import monotonic

from munshi.contracts.ids import TenantKey
from munshi_operator.types import OutsideReport, Served
from rig.operating import Stage, key_of

RESYNC = 4.0
SHOPS = [f"shop-{number}" for number in range(60)]


class Watched:
    """Notes when each tenant was compared with the outside, and how many were at once."""

    def __init__(self, stage: Stage) -> None:
        self.times: dict[TenantKey, list[float]] = defaultdict(list)
        self.now = self.most = 0
        self._real = stage.outside.ensure
        stage.outside.ensure = self.ensure  # type: ignore[method-assign]

    async def ensure(self, want: Served) -> OutsideReport:
        """As the real one."""
        self.times[want.object.key].append(monotonic())
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._real(want)
        finally:
            self.now -= 1


async def at_rest(stage: Stage) -> None:
    async with stage.operator() as parts:
        for name in SHOPS:
            stage.create(name, isolation="Pooled")
        await stage.until_ready(SHOPS)
        await stage.rest(parts)


async def test_tenants_at_rest_are_looked_at_again_each_at_its_own_time(stage: Stage) -> None:
    await at_rest(stage)
    watched = Watched(stage)
    async with stage.operator(resync_seconds=RESYNC):
        began = monotonic()
        await stage.until(lambda: all(len(watched.times[key_of(name)]) >= 3 for name in SHOPS))
    first = [times[0] - began for times in watched.times.values()]
    assert max(first) - min(first) > RESYNC / 4, "they come all at once after a start"
    waits = [later - sooner for times in watched.times.values() for sooner, later in pairwise(times)]
    assert min(waits) >= 0.8 * RESYNC
    assert max(waits) - min(waits) > RESYNC / 8, "they come all at once ever after"


async def test_no_more_are_worked_on_at_once_than_the_settings_say(stage: Stage) -> None:
    watched = Watched(stage)
    async with stage.operator(parallel=3):
        for name in SHOPS:
            stage.create(name)
        await stage.until_ready(SHOPS)
    assert watched.most == 3
