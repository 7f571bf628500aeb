"""Makes a tenant's numbers known to the emulator, which stands in for Meta on one machine."""

import json
from typing import Any

from munshi.contracts.tenant import AssistantKind
from munshi.errors import Retryable
from munshi.provision.loopback import call
from munshi.provision.tenants import ServedTenant

STARTERS = "munshi.dev/starters"
"""Annotation: messages, a line each, that the emulator's page suggests for a first try."""
ABOUT = "munshi.dev/about"
"""Annotation: a line under the shop's name."""
_LEDGER_STARTERS = (
    "Ramesh ko 500 ka maal udhaar diya",
    "Ramesh ka kitna baaki hai?",
    "nahi, 600 tha",
    "undo",
    "help",
)


def number_bodies(served: ServedTenant, webhook_url: str) -> dict[str, dict[str, Any]]:
    """What the control API takes, by phone number id. Pure."""
    spec, values = served.tenant.spec, served.secret.values
    annotations = served.tenant.metadata.annotations
    starters = [line.strip() for line in annotations.get(STARTERS, "").splitlines() if line.strip()]
    if not starters and spec.assistant is AssistantKind.LEDGER:
        starters = list(_LEDGER_STARTERS)
    return {
        number.phone_number_id: {
            "waba_id": spec.whatsapp.business_account_id,
            "display_phone_number": number.display_phone_number or number.phone_number_id,
            "verified_name": spec.display_name,
            "app_secret": values["app-secret"],
            "app_secret_previous": values.get("app-secret-previous") or None,
            "access_tokens": [values["access-token"]],
            "verify_token": values["verify-token"],
            "webhook_url": webhook_url,
            "about": annotations.get(ABOUT, ""),
            "starters": starters,
        }
        for number in spec.whatsapp.phone_numbers
    }


def register_numbers(emulator_url: str, bodies: dict[str, dict[str, Any]]) -> None:
    """Registers numbers, or replaces what is known of them. Blocks.

    Raises:
        Retryable: the emulator does not answer, or refuses.
    """
    for number, body in bodies.items():
        _call(emulator_url, "PUT", f"/control/phone-numbers/{number}", body, accepted=(200,))


def forget_numbers(emulator_url: str, numbers: list[str]) -> None:
    """Takes numbers away. Blocks.

    Raises:
        Retryable: the emulator does not answer.
    """
    for number in numbers:
        _call(emulator_url, "DELETE", f"/control/phone-numbers/{number}", None, accepted=(200, 404))


def _call(base: str, method: str, path: str, body: dict[str, Any] | None, accepted: tuple[int, ...]) -> None:
    data = json.dumps(body).encode() if body is not None else None
    status, _ = call(f"{base}{path}", method, data, {"Content-Type": "application/json"}, seconds=5.0)
    if not status:
        raise Retryable(f"the emulator at {base} does not answer")
    if status not in accepted:
        raise Retryable(f"the emulator answers {status} to {method} {path}")
