"""What failed for good is listed, shown, replayed and dropped from a pod of the operator."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from munshi.contracts.events import Envelope, Kind, Person
from munshi.contracts.ids import PhoneNumberID, TenantKey
from rig.installed import Installed, Shops, wait_for_cluster

PERSON = "919100000091"
PYTHON = ("exec", "deployment/munshi-operator", "--", "/usr/bin/python3", "-m")
PROGRAM = (*PYTHON, "munshi_operator", "dead-letters")


def _letters(installed: Installed, tenant: str) -> list[Any]:
    told = installed.kubectl(*PROGRAM, "list", "--json", "--tenant", f"shops/{tenant}")
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.parametrize("which", ["dedicated", "pooled"])
async def test_an_unreadable_webhook_goes_its_way_again(
    installed: Installed, shops: Shops, which: str
) -> None:
    tenant = getattr(shops, which)[0]
    async with installed.emulator() as meta:
        await meta.post_raw(shops.numbers[tenant], text="{ this is no JSON")
    (letter,) = wait_for_cluster(lambda: _letters(installed, tenant), "a letter")
    assert letter["source"] == "ingress"
    assert str(letter["id"]) in installed.kubectl(*PROGRAM, "list")
    shown = json.loads(installed.kubectl(*PROGRAM, "show", str(letter["id"])))
    assert shown["payload"]["body"] == "{ this is no JSON"
    told = installed.kubectl(*PROGRAM, "replay", str(letter["id"]))
    assert told.endswith("posted to ingress again\n")
    # It is as unreadable as before, and the same letter is kept once: replayed, it is closed.
    assert _letters(installed, tenant) == []


@pytest.mark.parametrize("which", ["dedicated", "pooled"])
async def test_a_turn_that_failed_is_answered_after_its_replay(
    installed: Installed, shops: Shops, which: str
) -> None:
    tenant = getattr(shops, which)[0]
    number, key = shops.numbers[tenant], TenantKey(f"shops_{tenant}")
    wamid = f"wamid.E2EDEAD{which}"
    now = datetime.now(UTC)
    said = {"type": "text", "text": {"body": "Ramesh ko 777 udhaar diya"}}
    envelope = Envelope(
        tenant=key,
        kind=Kind.MESSAGE,
        id=wamid,
        phone_number_id=PhoneNumberID(number),
        person=Person(phone=PERSON),
        at=now,
        received_at=now,
        raw={"from": PERSON, "id": wamid, "timestamp": str(int(now.timestamp())), **said},
    )
    payload = envelope.model_dump_json().replace("'", "''")
    installed.sql(
        "insert into dead_letters (tenant, source, key, reason, detail, payload, message_id)"
        f" values ('{key}', 'turn', '{wamid}', 'defect', '', '{payload}', '{wamid}')"
    )
    (letter,) = _letters(installed, tenant)
    async with installed.emulator() as meta:
        who = {"phone_number_id": number, "person": PERSON, "direction": "out"}
        await meta.say(number, PERSON, "help")  # opens the window in which Meta takes answers
        (first,) = await meta.wait_for(1, **who, timeout_seconds=60)
        assert "published again" in installed.kubectl(*PROGRAM, "replay", str(letter["id"]))
        (answer,) = await meta.wait_for(1, **who, after=first["seq"], timeout_seconds=60)
    assert "777" in json.dumps(answer["body"])
    assert _letters(installed, tenant) == []


def test_a_letter_that_is_not_there_is_told(installed: Installed, shops: Shops) -> None:
    assert installed.kubectl(*PROGRAM, "list", "--tenant", f"{shops.namespace}/{shops.dedicated[0]}") == (
        "no dead letters\n"
    )
    with pytest.raises(AssertionError, match="there is no open dead letter 999999"):
        installed.kubectl(*PROGRAM, "drop", "999999")
