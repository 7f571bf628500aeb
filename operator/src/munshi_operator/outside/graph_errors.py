"""What the Graph API's refusals mean for a tenant's conditions: stable reasons, and what to do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from munshi_operator.types import Part

_TRANSIENT = {1, 2, 4, 17, 32, 613, 80007, 80008, 130429, 131000, 131016, 131057, 133004}
_TOKEN = {0, 102, 190, 467}
_LOCKED = {368, 131031, 131064, 130497}
_MISSING_SUBCODE = 33


@dataclass(eq=False)
class GraphRefusal(Exception):
    """An answer that is no success. `text` is Meta's short title, cut; it holds no content of ours."""

    status: int
    code: int
    subcode: int
    text: str

    @property
    def passing(self) -> bool:
        """Whether the same question may be answered later."""
        return self.code in _TRANSIENT or (self.code == -1 and (self.status >= 500 or self.status == 429))


def read_refusal(status: int, body: Any) -> GraphRefusal:
    """From an answer of the Graph API; code -1 where it has none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return GraphRefusal(status, -1, 0, "")
    return GraphRefusal(
        status,
        _number(error.get("code"), -1),
        _number(error.get("error_subcode"), 0),
        str(error.get("message", ""))[:200],
    )


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def of_credentials(error: GraphRefusal, asked: str, secret: str) -> Part:
    """The condition `CredentialsValid`.

    Args:
        error: what Meta answered.
        asked: what was asked for, as `the phone number id 123`.
        secret: `namespace/name` of the tenant's Secret.
    """
    code = f"code {error.code}" + (f", {error.subcode}" if error.subcode else "")
    if error.code in _TOKEN:
        return Part(
            False,
            "TokenExpired",
            f"Meta refuses the access token ({code}): it has expired or was revoked; put a new one under "
            f"access-token in the Secret {secret}",
        )
    if error.code in {3, 10, 131005} or 200 <= error.code < 300:
        return Part(
            False,
            "PermissionMissing",
            f"the access token may not see {asked} ({code}); give its system user the permissions "
            "whatsapp_business_messaging and whatsapp_business_management and the assets in Meta's Business "
            "settings, and make a new token",
        )
    if (error.code == 100 and error.subcode == _MISSING_SUBCODE) or error.code in {33, 803}:
        return Part(
            False,
            "NumberUnknown" if "number" in asked else "AccountUnknown",
            f"Meta knows no {asked.removeprefix('the ')}, or the access token may not see it ({code}); "
            "compare it with the WhatsApp page of the app's dashboard and correct spec.whatsapp",
        )
    if error.code in _LOCKED:
        return Part(
            False,
            "AccountLocked",
            f"Meta has locked or restricted the account ({code}); see Business support home at Meta",
        )
    return Part(
        False, "GraphRefused", f"Meta refused to tell of {asked} ({code}, HTTP {error.status}): {error.text}"
    )


def of_webhook(error: GraphRefusal, url: str, secret: str) -> Part:
    """The condition `WebhookVerified`, where the subscription was refused."""
    if error.code in {2200, 2201} or (error.code == 100 and "callback" in error.text.lower()):
        return Part(
            False,
            "WebhookRefused",
            f"Meta called {url} and did not get its challenge back (code {error.code}); see that the address "
            "is reached from the internet over HTTPS, and that the route and the ingress pods are ready",
        )
    found = of_credentials(error, "the WhatsApp business account", secret)
    return Part(False, found.reason, found.message)
