"""The table of bad resources, `tests/contracts/refused_tenants.yaml`."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_TABLE = Path(__file__).parents[1] / "contracts" / "refused_tenants.yaml"
_SPELLED: dict[Any, Any] = {
    "twenty-one": [{"phoneNumberID": f"{number:05}"} for number in range(21)],
    "a hundred and one": "x" * 101,
    "sixty-four": "x" * 64,
}
"""Long values by the short names that the table has for them."""

GOOD: dict[str, Any] = {
    "apiVersion": "munshi.dev/v1alpha1",
    "kind": "WhatsAppTenant",
    "metadata": {"name": "sharma-kirana", "namespace": "shops"},
    "spec": {
        "displayName": "Sharma Kirana Store",
        "assistant": "Ledger",
        "languages": ["hi", "en"],
        "timeZone": "Asia/Kolkata",
        "whatsapp": {
            "businessAccountID": "102290129340398",
            "phoneNumbers": [{"phoneNumberID": "106540352242922", "displayPhoneNumber": "+91 98200 00000"}],
            "secretRef": {"name": "sharma-kirana-whatsapp"},
        },
        "ledger": {"currency": "INR", "confirmAbove": "50000"},
        "limits": {"messagesPerDayPerCustomer": 200},
        "retention": {"media": "90d", "messages": "365d"},
    },
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One bad resource."""

    name: str
    before: dict[str, Any] | None
    """The resource as it was; `None`: it is new."""
    resource: dict[str, Any]
    munshi: str
    """What `munshi apply` says of it."""
    api: str
    """What the API server says of it."""


def changed(change: dict[str, Any]) -> dict[str, Any]:
    """The good resource with paths set anew."""
    made = copy.deepcopy(GOOD)
    for path, value in change.items():
        *above, last = path.split(".")
        place = made
        for name in above:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last)
        else:
            place[last] = _SPELLED.get(value, value) if isinstance(value, str) else value
    return made


def refusals() -> list[Refusal]:
    """The whole table."""
    return [
        Refusal(
            name=row["name"],
            before=changed(row["before"]) if "before" in row else None,
            resource=changed(row["change"]),
            munshi=row.get("munshi") or row["says"],
            api=row.get("api") or row["says"],
        )
        for row in yaml.safe_load(_TABLE.read_text())
    ]
