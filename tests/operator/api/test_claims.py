"""Two tenants and one phone number."""

from datetime import UTC, datetime, timedelta

import pytest

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL
from rig.operating import Stage, key_of, ref, tenant

OLD, YOUNG = key_of("old"), key_of("young")


async def test_the_older_keeps_a_number_and_the_younger_says_so(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create("old", number="1000001")
        await stage.until(lambda: stage.ready("old"))
        stage.api.now = lambda: datetime.now(UTC) + timedelta(seconds=5)
        stage.create("young", number="1000001")
        await stage.until(lambda: stage.condition("young", "Ready").get("reason") == "PhoneNumberClaimed")
        assert "shops/old" in stage.condition("young", "Ready")["message"]
        await stage.rest(parts)
        assert stage.ready("old")
        assert CellName(YOUNG) not in stage.outside.entries
        stage.api.remove(ref("old"))
        await stage.until(lambda: stage.ready("young"))


async def test_the_younger_is_served_on_its_other_numbers(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create("old", number="1000001", isolation="Pooled")
        await stage.until(lambda: stage.ready("old"))
        stage.api.now = lambda: datetime.now(UTC) + timedelta(seconds=5)
        both = tenant("young", isolation="Pooled")["spec"]["whatsapp"]
        both["phoneNumbers"] = [{"phoneNumberID": "1000001"}, {"phoneNumberID": "1000002"}]
        stage.create("young", isolation="Pooled", whatsapp=both)
        await stage.until(lambda: stage.ready("young"))
        await stage.rest(parts)
        assert stage.condition("young", "Degraded")["reason"] == "PhoneNumberClaimed"
        assert numbers(stage) == ["1000002"]
        stage.create("old", number="1000003", isolation="Pooled")
        await stage.until(lambda: numbers(stage) == ["1000001", "1000002"])
        await stage.until(lambda: stage.condition("young", "Degraded")["status"] == "False")


async def test_a_number_that_the_older_takes_later_is_taken_from_the_younger(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create("old", number="1000001", isolation="Pooled")
        await stage.until(lambda: stage.ready("old"))
        stage.api.now = lambda: datetime.now(UTC) + timedelta(seconds=5)
        stage.create("young", number="1000002", isolation="Pooled")
        await stage.until(lambda: stage.ready("young"))
        stage.create("old", number="1000002", isolation="Pooled")
        await stage.until(lambda: stage.condition("young", "Ready").get("reason") == "PhoneNumberClaimed")
        await stage.rest(parts)
        assert set(stage.outside.entries[POOL]) == {OLD}


@pytest.mark.parametrize("phase", ["MovePreparing", "MoveDraining"])
async def test_a_tenant_that_loses_its_last_number_on_the_move_is_served_nowhere_until_it_has_one(
    stage: Stage, phase: str
) -> None:
    own = CellName(YOUNG)
    async with stage.operator() as parts:
        stage.create("old", number="1000001", isolation="Pooled")
        await stage.until(lambda: stage.ready("old"))
        stage.api.now = lambda: datetime.now(UTC) + timedelta(seconds=5)
        stage.create("young", number="1000002", isolation="Pooled")
        await stage.until(lambda: stage.ready("young"))
        stage.api.pods_come_up = lambda _: phase == "MoveDraining"
        stage.outside.sending[POOL, YOUNG] = 1
        stage.create("young", number="1000002", isolation="Dedicated")
        await stage.until(lambda: stage.condition("young", "Progressing").get("reason") == phase)
        stage.create("old", number="1000002", isolation="Pooled")
        await stage.until(lambda: stage.condition("young", "Ready").get("reason") == "PhoneNumberClaimed")
        await stage.rest(parts)
        assert set(stage.outside.entries[POOL]) == {OLD}
        assert not stage.outside.entries[own]
        assert stage.condition("young", "Progressing")["reason"] == phase
        stage.create("old", number="1000001", isolation="Pooled")
        await stage.until(lambda: YOUNG in stage.outside.entries[POOL], "the old cell works on")
        await stage.until(lambda: YOUNG in stage.outside.entries[own], "the new cell keeps what comes")
        assert stage.outside.entries[own][YOUNG].hibernated
        stage.outside.sending.clear()
        stage.api.pods_come_up = lambda _: True
        stage.api.run_pods()
        await stage.until(lambda: stage.status("young").get("cell") == YOUNG and stage.ready("young"))
        await stage.rest(parts)
    assert set(stage.outside.entries[POOL]) == {OLD}
    assert stage.outside.rights[YOUNG] == own


def numbers(stage: Stage) -> list[str]:
    served = stage.outside.entries[POOL][YOUNG].object.tenant.spec.whatsapp.phone_numbers
    return [number.phone_number_id for number in served]
