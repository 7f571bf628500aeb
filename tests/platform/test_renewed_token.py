"""An access token that expires and is renewed by `munshi apply`: all is kept, then sent in order, once."""

import asyncio
from collections import defaultdict
from typing import Any

import asyncpg
import pytest
import yaml

from munshi_emulator.client import EmulatorClient
from rig.platform import EXAMPLES, PlatformRig
from rig.waiting import eventually, wait_for

SHOPS = {"sharma-kirana": "Dedicated", "gupta-traders": "Pooled"}
PEOPLE = [f"9198330000{n:02d}" for n in range(6)]


def _documents(shop: str) -> tuple[dict[str, Any], dict[str, Any]]:
    tenant, secret = yaml.safe_load_all((EXAMPLES / f"{shop}.yaml").read_text())
    return tenant, secret


async def _expire(client: EmulatorClient, shop: str) -> str:
    """Has the stand-in refuse the shop's token from now on, by error 190. The shop's number."""
    tenant, secret = _documents(shop)
    (number,) = tenant["spec"]["whatsapp"]["phoneNumbers"]
    known = await client.call("GET", f"/phone-numbers/{number['phoneNumberID']}")
    fields = {name: value for name, value in known.items() if name not in {"id", "phone_number_id"}}
    fields["expired_tokens"] = [secret["stringData"]["access-token"]]
    await client.put_number(number["phoneNumberID"], **fields)
    return str(number["phoneNumberID"])


@pytest.mark.parametrize("shop", SHOPS)
async def test_an_expired_token_keeps_all_until_a_new_one_is_applied(
    platform: PlatformRig, shop: str
) -> None:
    assert _documents(shop)[0]["spec"]["isolation"] == SHOPS[shop]
    async with EmulatorClient(platform.emulator) as client:
        number = await _expire(client, shop)
        refused_before = len(await client.refusals())
        asked: dict[str, list[str]] = defaultdict(list)
        for n in range(3):
            for person in PEOPLE:
                asked[person].append(await client.say(number, person, f"Ramesh ko {100 + n} udhaar diya"))
            # Webhooks that are under way together may arrive in any order; kept, their place is fixed.
            await client.wait_delivered()
        # All have had their turn, and none of the answers left.
        await _turns(platform, number, len(PEOPLE) * 3)

        async def refused() -> int:
            return len(await client.refusals()) - refused_before

        await eventually(refused, "a send is refused")
        await asyncio.to_thread(
            wait_for,
            lambda: '"send_refused"' in platform.munshi("logs", "orchestrator", "--json").stdout,
            "the log says so",
        )
        assert await refused() < len(PEOPLE) * 3, "it goes on trying a token that was refused"
        assert await client.messages(direction="out", phone_number_id=number) == []

        secret = _documents(shop)[1]
        secret["stringData"]["access-token"] = "renewed-token"
        done = platform.munshi("apply", "-f", "-", stdin=yaml.safe_dump(secret))
        assert (done.returncode, done.stdout.strip()) == (0, f"whatsapptenant shops/{shop} configured")
        count = len(PEOPLE) * 3
        await client.wait_for(count, direction="out", phone_number_id=number, timeout_seconds=90)
        await client.wait_delivered()
        replies = await client.messages(direction="out", phone_number_id=number, limit=1000)
        given: dict[str, list[str]] = defaultdict(list)
        for reply in replies:
            given[reply["body"]["to"]].append(reply["body"]["context"]["message_id"])
        assert given == asked


async def _turns(platform: PlatformRig, number: str, count: int) -> None:
    """Waits until so many answers of a number lie in the outbox."""
    connection = await asyncpg.connect(platform.status()["database"]["url"])
    try:
        async with asyncio.timeout(90):
            while (
                await connection.fetchval("select count(*) from outbox where phone_number_id = $1", number)
                < count
            ):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
