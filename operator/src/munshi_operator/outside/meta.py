"""`MetaChecks` on the Graph API: are the credentials good, and do the webhooks lead here.

Asks first and writes only what differs: the numbers with the fields that tell where their webhooks go; then,
only where those do not come to us, the subscription of the app to the account with our address as override.
An app of many businesses keeps its own callback for all others by that.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from munshi.contracts.tenant import WhatsAppTenant
from munshi.errors import Retryable
from munshi_operator.outside.graph_errors import GraphRefusal, of_credentials, of_webhook, read_refusal
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import MetaReport, Part

_FIELDS = "id,display_phone_number,verified_name,status,quality_rating,webhook_configuration"
_STRONGEST_FIRST = ("phone_number", "whatsapp_business_account", "application")
"""Of a number's callback addresses: the first that is set gets its webhooks."""
_SECONDS = 15.0
_SLOW_DOWN_SECONDS = 30.0
_NOT_ASKED = Part(False, "CredentialsInvalid", "not subscribed, since Meta refuses the credentials")


@dataclass(frozen=True, slots=True)
class GraphChecks:
    """Questions to one Graph API over one session."""

    base_url: str
    session: aiohttp.ClientSession

    async def check(
        self, tenant: WhatsAppTenant, credentials: Mapping[str, str], webhook_url: str
    ) -> MetaReport:
        """Tries the credentials on every number, and subscribes the webhook where it does not lead here.

        Raises:
            Retryable: the Graph API is away or busy.
        """
        asker = _Asker(self, tenant, credentials["access-token"])
        numbers, bad = await self._numbers(asker, tenant)
        if bad is not None:
            return MetaReport(bad, _NOT_ASKED)
        good = Part(True, "Verified", f"Meta answers for {_counted(len(numbers), 'phone number')}")
        return MetaReport(good, await self._webhook(asker, tenant, numbers, credentials, webhook_url))

    async def _numbers(
        self, asker: "_Asker", tenant: WhatsAppTenant
    ) -> tuple[list[Mapping[str, Any]], Part | None]:
        """What Meta says of each number, or why it does not."""
        found = []
        for number in tenant.spec.whatsapp.phone_numbers:
            name = number.phone_number_id
            try:
                found.append(await asker.get(name, fields=_FIELDS))
            except GraphRefusal as error:
                return [], of_credentials(error, f"the phone number id {name}", _secret(tenant))
        account = tenant.spec.whatsapp.business_account_id
        try:
            listed = await asker.get(f"{account}/phone_numbers", fields="id", limit="100")
        except GraphRefusal as error:
            return [], of_credentials(error, f"the business account id {account}", _secret(tenant))
        theirs = {str(one.get("id")) for one in listed.get("data") or ()}
        more = bool((listed.get("paging") or {}).get("next"))
        strange = [one["id"] for one in found if str(one["id"]) not in theirs]
        if strange and not more:
            return [], Part(
                False,
                "NumberOfOtherAccount",
                f"the phone number id {strange[0]} does not belong to the business account {account}; "
                "correct spec.whatsapp.businessAccountID or the number",
            )
        return found, None

    async def _webhook(
        self,
        asker: "_Asker",
        tenant: WhatsAppTenant,
        numbers: list[Mapping[str, Any]],
        credentials: Mapping[str, str],
        url: str,
    ) -> Part:
        account = tenant.spec.whatsapp.business_account_id
        try:
            apps = await asker.get(f"{account}/subscribed_apps")
            if not apps.get("data") or any(_callback(one) != url for one in numbers):
                body = {"override_callback_uri": url, "verify_token": credentials["verify-token"]}
                await asker.post(f"{account}/subscribed_apps", body)
                numbers = [await asker.get(str(one["id"]), fields=_FIELDS) for one in numbers]
        except GraphRefusal as error:
            return of_webhook(error, url, _secret(tenant))
        elsewhere = [one["id"] for one in numbers if _callback(one) not in {url, None}]
        if elsewhere:
            return Part(
                False,
                "WebhookOverridden",
                f"the webhooks of the phone number id {elsewhere[0]} go to another address, set for that "
                "number alone; take that override away (POST webhook_configuration on the number with an "
                "empty override_callback_uri)",
            )
        return Part(True, "Subscribed", f"Meta posts to {url}")


@dataclass(frozen=True, slots=True)
class _Asker:
    """Requests with one token and version."""

    checks: GraphChecks
    tenant: WhatsAppTenant
    token: str

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """An object of the Graph API.

        Raises:
            GraphRefusal: Meta says no.
            Retryable: it is away or busy.
        """
        return await self._ask("GET", path, query, None)

    async def post(self, path: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        """A change; may be made twice. Raises as `get` does."""
        return await self._ask("POST", path, {}, body)

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        base = self.checks.base_url.rstrip("/")
        url = f"{base}/{self.tenant.spec.whatsapp.graph_version}/{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            async with self.checks.session.request(
                method, url, params=query, json=body, headers=headers, allow_redirects=False
            ) as answer:
                status, raw = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = type(error).__name__
            raise Retryable(
                f"the Graph API at {base} does not answer ({said}); see that the operator may reach it"
            ) from error
        read = _json(raw)
        if status == 200 and isinstance(read, Mapping) and "error" not in read:
            return read
        refusal = read_refusal(status, read)
        if refusal.passing:
            raise Retryable(f"the Graph API is busy (HTTP {status}, code {refusal.code})", _SLOW_DOWN_SECONDS)
        raise refusal


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _callback(number: Mapping[str, Any]) -> str | None:
    """Where a number's webhooks go; `None` where Meta does not tell."""
    places = number.get("webhook_configuration")
    if not isinstance(places, Mapping):
        return None
    return next((str(places[kind]) for kind in _STRONGEST_FIRST if places.get(kind)), None)


def _secret(tenant: WhatsAppTenant) -> str:
    return f"{tenant.metadata.namespace}/{tenant.spec.whatsapp.secret_ref.name}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


@contextlib.asynccontextmanager
async def open_meta(settings: OperatorSettings) -> AsyncIterator[GraphChecks | None]:
    """The checks of the settings; `None` where they are off."""
    if not settings.check_meta:
        yield None
        return
    timeout = aiohttp.ClientTimeout(total=_SECONDS, sock_connect=5.0)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield GraphChecks(settings.graph_url, session)
