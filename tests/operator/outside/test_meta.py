"""Credentials and webhooks against the emulator, and what each of Meta's refusals is called."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from munshi.errors import Retryable
from munshi_emulator.client import EmulatorClient
from munshi_emulator.testing import EmulatorProcess, running
from munshi_operator.outside.graph_errors import of_credentials, of_webhook, read_refusal
from munshi_operator.outside.meta import GraphChecks, open_meta
from munshi_operator.settings import OperatorSettings
from rig.cells import tenant_document

NUMBER, ACCOUNT = "106540352242922", "102290129340398"
SECRETS = {"app-secret": "app", "access-token": "good-token", "verify-token": "verify-me"}
NAMES = {"display_phone_number": "+91 98200 00000", "verified_name": "Sharma"}
TENANT = tenant_document("sharma", "shops", NUMBER)


@dataclass
class Door:
    """A webhook that proves to be ours, or does not."""

    url: str = ""
    opens: bool = True
    asked: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Answers Meta's handshake."""
        self.asked.append(request.query.get("hub.verify_token", ""))
        good = self.opens and request.query.get("hub.verify_token") == SECRETS["verify-token"]
        return web.Response(text=request.query.get("hub.challenge", "") if good else "no")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    app = web.Application()
    app.router.add_get("/webhooks/whatsapp/shops_sharma", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/whatsapp/shops_sharma"
        yield made
    finally:
        await runner.cleanup()


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[EmulatorProcess]:
    async with running(tmp_path / "emulator") as process:
        yield process


@pytest.fixture
async def meta(emulator: EmulatorProcess) -> AsyncIterator[EmulatorClient]:
    """The number is known there, with a good and an expired token, and no webhook yet."""
    async with emulator.client() as client:
        await client.put_number(
            NUMBER,
            waba_id=ACCOUNT,
            app_secret="app",
            **NAMES,
            access_tokens=["good-token", "old-token"],
            expired_tokens=["old-token"],
            verify_token="another",
            webhook_url="",
        )
        yield client


@pytest.fixture
async def checks(emulator: EmulatorProcess, meta: EmulatorClient) -> AsyncIterator[GraphChecks]:
    del meta
    async with open_meta(OperatorSettings(graph_url=emulator.url)) as made:
        assert made is not None
        yield made


async def test_good_credentials_are_verified_and_the_webhook_subscribed_once(
    checks: GraphChecks, door: Door
) -> None:
    report = await checks.check(TENANT, SECRETS, door.url)
    assert (report.credentials.ok, report.credentials.reason) == (True, "Verified")
    assert (report.webhook.ok, report.webhook.reason) == (True, "Subscribed")
    assert door.asked == ["verify-me"]
    again = await checks.check(TENANT, SECRETS, door.url)
    assert again == report
    assert door.asked == ["verify-me"]  # it leads here already: nothing is written


async def test_a_webhook_that_leads_elsewhere_is_led_back(
    checks: GraphChecks, meta: EmulatorClient, door: Door
) -> None:
    await checks.check(TENANT, SECRETS, door.url)
    await meta.put_number(
        NUMBER,
        waba_id=ACCOUNT,
        app_secret="app",
        **NAMES,
        access_tokens=["good-token"],
        verify_token="x",
        webhook_url="http://127.0.0.1:9/elsewhere",
    )
    report = await checks.check(TENANT, SECRETS, door.url)
    assert report.webhook.ok
    assert len(door.asked) == 2


async def test_a_webhook_that_does_not_answer_the_challenge_is_told(checks: GraphChecks, door: Door) -> None:
    door.opens = False
    report = await checks.check(TENANT, SECRETS, door.url)
    assert report.credentials.ok
    assert (report.webhook.ok, report.webhook.reason) == (False, "WebhookRefused")
    assert door.url in report.webhook.message


@pytest.mark.parametrize("token", ["old-token", "never-was"])
async def test_an_expired_or_wrong_token_is_told_with_the_secret_to_change(
    checks: GraphChecks, door: Door, token: str
) -> None:
    report = await checks.check(TENANT, {**SECRETS, "access-token": token}, door.url)
    assert (report.credentials.ok, report.credentials.reason) == (False, "TokenExpired")
    assert "shops/sharma-whatsapp" in report.credentials.message
    assert (report.webhook.ok, report.webhook.reason) == (False, "CredentialsInvalid")
    assert token not in str(report)
    assert door.asked == []


async def test_a_wrong_number_and_a_wrong_account_are_told(checks: GraphChecks, door: Door) -> None:
    report = await checks.check(tenant_document("sharma", "shops", "99999999"), SECRETS, door.url)
    assert report.credentials.reason == "NumberUnknown"
    assert "99999999" in report.credentials.message
    whatsapp = {**TENANT.spec.whatsapp.model_dump(by_alias=True), "businessAccountID": "55555555"}
    other = tenant_document("sharma", "shops", NUMBER, whatsapp=whatsapp)
    assert (await checks.check(other, SECRETS, door.url)).credentials.reason == "AccountUnknown"


async def test_a_graph_api_that_is_away_is_tried_again(door: Door) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Retryable, match="does not answer"):
            await GraphChecks("http://127.0.0.1:9", session).check(TENANT, SECRETS, door.url)


async def test_the_checks_can_be_switched_off() -> None:
    async with open_meta(OperatorSettings(check_meta=False)) as made:
        assert made is None


@pytest.mark.parametrize(
    ("status", "code", "subcode", "reason"),
    [
        (401, 190, 463, "TokenExpired"),
        (401, 190, 460, "TokenExpired"),
        (401, 0, 0, "TokenExpired"),
        (403, 10, 0, "PermissionMissing"),
        (403, 200, 0, "PermissionMissing"),
        (403, 299, 0, "PermissionMissing"),
        (403, 3, 0, "PermissionMissing"),
        (400, 100, 33, "NumberUnknown"),
        (400, 100, 0, "GraphRefused"),
        (403, 131031, 0, "AccountLocked"),
        (403, 368, 0, "AccountLocked"),
        (400, 424242, 0, "GraphRefused"),
    ],
)
def test_each_refusal_has_a_stable_reason(status: int, code: int, subcode: int, reason: str) -> None:
    body = {"error": {"code": code, "error_subcode": subcode, "message": "no"}}
    refusal = read_refusal(status, body)
    assert not refusal.passing
    part = of_credentials(refusal, "the phone number id 1", "shops/secret")
    assert (part.ok, part.reason) == (False, reason)
    assert str(code) in part.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"error": {"code": 2, "message": "later"}}),
        (429, {"error": {"code": 4, "message": "too many"}}),
        (400, {"error": {"code": 80007}}),
        (502, None),
        (429, "<html>"),
    ],
)
def test_what_passes_by_itself_is_no_verdict(status: int, body: object) -> None:
    assert read_refusal(status, body).passing


def test_a_refused_subscription_names_what_is_wrong() -> None:
    refused = read_refusal(400, {"error": {"code": 2200, "message": "Callback verification failed"}})
    assert of_webhook(refused, "https://x.example/w", "shops/secret").reason == "WebhookRefused"
    denied = read_refusal(403, {"error": {"code": 200, "message": "no"}})
    assert of_webhook(denied, "https://x.example/w", "shops/secret").reason == "PermissionMissing"
