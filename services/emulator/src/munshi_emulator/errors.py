"""Meta's errors: one table of codes, and the shape in which the Graph API answers with them.

Written from Meta's public error reference. HTTP statuses are what Meta documents, or 400.
"""

import secrets
from dataclasses import dataclass
from typing import Any

TITLES: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    3: (403, "API Method"),
    4: (429, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    200: (403, "API Permission"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (429, "Rate limit issues"),
    130403: (400, "Recipient is not allowed"),
    130429: (429, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (503, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131031: (403, "Account has been locked"),
    131037: (400, "WhatsApp provided number needs display name approval before message can be sent"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (429, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages from this business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (429, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Recipient cannot be reached by this identity"),
    131063: (400, "Recipient identity has changed"),
    131064: (403, "Account restricted"),
    132000: (400, "Template param count mismatch"),
    132001: (404, "Template does not exist"),
    132005: (400, "Template hydrated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Template parameter format mismatch"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameters are not valid"),
    132068: (400, "Flow is in blocked state"),
    132069: (400, "Flow is in throttled state"),
    133004: (503, "Server temporarily unavailable"),
    133010: (400, "Phone number not registered"),
    135000: (400, "Generic user error"),
}
"""Code -> (HTTP status, title)."""

CLASSES: dict[str, tuple[int, ...]] = {
    "transient": (131000, 1, 2, 131016, 133004, 131057, 130429, 4, 80007),
    "pair_limit": (131056,),
    "stop": (131048, 131064, 368, 130497, 131031, 131042, 131045, 133010, 131037),
    "credentials": (190, 0, 3, 10, 200, 131005),
    "window": (131047,),
    "recipient": (131026, 131049, 131050, 130403, 130472, 131021, 131062, 131063),
    "media": (131053, 131051, 131052),
    "template": (132001, 132000, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069),
    "bad_request": (131009, 33, 100, 131008, 135000),
}
"""What a sender has to do differently; the first code of a class stands for it."""


@dataclass(frozen=True)
class GraphError(Exception):
    """A refusal by the Graph API. `details` is what Meta puts in `error_data.details`."""

    code: int
    details: str
    subcode: int | None = None
    status: int | None = None

    def http_status(self) -> int:
        """HTTP status of the answer."""
        return self.status or TITLES.get(self.code, (400, ""))[0]

    def title(self) -> str:
        """Meta's short name of the error."""
        return TITLES.get(self.code, (400, "Unknown error"))[1]

    def body(self) -> dict[str, Any]:
        """The answer: `{"error": {…}}`."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.title()}",
            "type": "OAuthException",
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return {"error": error}

    def webhook(self) -> dict[str, Any]:
        """The same error as an element of a status's `errors`."""
        return {
            "code": self.code,
            "title": self.title(),
            "message": self.title(),
            "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }
