"""The shopkeeper's dialogue by the real protocol: emulator, ingress, bus, orchestrator, database and back."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest

from munshi_emulator.client import EmulatorClient
from rig.platform import PlatformRig
from rig.waiting import eventually

SHARMA = "106540352242922"
GUPTA = "106540352243017"
LAKSHMI = "106540352243128"


class Phone:
    """A customer's phone on one business number."""

    def __init__(self, client: EmulatorClient, number: str, person: str) -> None:
        self._client = client
        self._number = number
        self.person = person
        self._last = 0

    async def say(self, text: str) -> str:
        """Sends a text and gives back the answer's text; the answer quotes the message."""
        wamid = await self._client.say(self._number, self.person, text)
        (answer, *more) = await self._client.wait_for(
            1,
            person=self.person,
            phone_number_id=self._number,
            direction="out",
            after=self._last,
            timeout_seconds=90,
        )
        assert not more, "one message, one answer"
        self._last = answer["seq"]
        assert answer["body"]["context"]["message_id"] == wamid
        return str(answer["body"]["text"]["body"])


@pytest.fixture
async def emulator(platform: PlatformRig) -> AsyncIterator[EmulatorClient]:
    async with EmulatorClient(platform.emulator) as client:
        yield client


async def _books(platform: PlatformRig, tenant: str) -> list[tuple[str, Decimal, str, str, str]]:
    connection = await asyncpg.connect(platform.status()["database"]["url"])
    try:
        rows = await connection.fetch(
            "SELECT customer_name, amount, category, currency, source FROM transactions WHERE tenant = $1"
            " ORDER BY id",
            tenant,
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


FLOWS = {
    "Hinglish": (
        "919811100001",
        ["Ramesh ko 500 ka maal udhaar diya", "Ramesh ka kitna baaki hai?", "nahi, 600 tha", "undo"],
        "Ramesh",
    ),
    "Hindi": (
        "919811100002",
        ["रमेश को 500 का माल उधार दिया", "रमेश का कितना बाकी है?", "नहीं, 600 था", "undo"],
        "रमेश",
    ),
    "English": (
        "919811100003",
        ["Gave Ramesh goods worth 500 on credit", "How much does Ramesh owe?", "no, it was 600", "undo"],
        "Ramesh",
    ),
}


@pytest.mark.parametrize("writing", FLOWS)
async def test_an_entry_its_balance_its_correction_and_its_undo(
    platform: PlatformRig, emulator: EmulatorClient, writing: str
) -> None:
    person, (entry, balance, correction, undo), name = FLOWS[writing]
    phone = Phone(emulator, SHARMA, person)
    before = await _books(platform, "shops_sharma-kirana")

    answer = await phone.say(entry)
    assert name in answer
    assert "500" in answer
    assert await _books(platform, "shops_sharma-kirana") == [
        *before,
        (name, Decimal("500.00"), "credit", "INR", "text"),
    ]
    assert "₹500" in await phone.say(balance)

    answer = await phone.say(correction)
    assert "600" in answer
    assert await _books(platform, "shops_sharma-kirana") == [
        *before,
        (name, Decimal("600.00"), "credit", "INR", "text"),
    ]
    answer = await phone.say(undo)
    assert "600" in answer, "the answer says what was taken back"
    assert await _books(platform, "shops_sharma-kirana") == before


@pytest.mark.parametrize("writing", FLOWS)
async def test_answers_are_in_the_writing_of_the_message(
    platform: PlatformRig, emulator: EmulatorClient, writing: str
) -> None:
    del platform
    person, (_, balance, *_), _ = FLOWS[writing]
    answer = await Phone(emulator, GUPTA, person.replace("9198111", "9198222")).say(balance)
    devanagari = any("\u0900" <= letter <= "\u097f" for letter in answer)
    assert devanagari == (writing == "Hindi")


async def test_each_tenant_has_its_own_currency_and_books(
    platform: PlatformRig, emulator: EmulatorClient
) -> None:
    phone = Phone(emulator, LAKSHMI, "971501000001")
    assert "85.50" in await phone.say("Anand took groceries for 85.50 on credit")
    books = await _books(platform, "shops_lakshmi-stores")
    assert books == [("Anand", Decimal("85.50"), "credit", "AED", "text")]
    other = Phone(emulator, GUPTA, "971501000001")
    assert "85" not in await other.say("How much does Anand owe?")


async def test_statuses_reach_the_outbox(platform: PlatformRig, emulator: EmulatorClient) -> None:
    phone = Phone(emulator, SHARMA, "919811100009")
    await phone.say("help")
    (sent,) = await emulator.messages(person="919811100009", direction="out")
    await emulator.wait_status(sent["wamid"], "read", timeout_seconds=90)
    connection = await asyncpg.connect(platform.status()["database"]["url"])
    try:
        await emulator.wait_delivered()

        async def both() -> bool:
            """In either order: webhooks that are under way together may arrive in any."""
            query = "SELECT delivered_at, read_at FROM outbox WHERE wamid = $1"
            row = await connection.fetchrow(query, sent["wamid"])
            assert row is not None
            return None not in row.values()

        await eventually(both, "both statuses are kept")
        state = await connection.fetchval("SELECT state FROM outbox WHERE wamid = $1", sent["wamid"])
        assert state == "read"
    finally:
        await connection.close()
