"""Strategies: any spec that the contract takes, at the edges of what it takes."""

from typing import Any

from hypothesis import strategies as st

from munshi.contracts.tenant import (
    CURRENCY,
    DIGITS,
    DURATION,
    GRAPH_VERSION,
    LANGUAGE,
    MONEY,
    SECRET_NAME,
    AssistantKind,
    DeletionPolicy,
    Isolation,
)

ZONES = ("Asia/Kolkata", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "Asia/Colombo")
_PRINTABLE = st.characters(min_codepoint=32, max_codepoint=0x2FFF, blacklist_categories=("Cs", "Cc"))


def _like(pattern: str) -> st.SearchStrategy[str]:
    # Python's $ also stands before a last newline, and its \d knows other digits; the contract's do not.
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: text.isascii() and "\n" not in text)


def _block(kind: AssistantKind) -> st.SearchStrategy[dict[str, Any]]:
    blocks: dict[AssistantKind, dict[str, st.SearchStrategy[Any]]] = {
        AssistantKind.LEDGER: {"currency": _like(CURRENCY), "confirmAbove": _like(MONEY)},
        AssistantKind.INVOICES: {"currency": _like(CURRENCY)},
        AssistantKind.SALES: {"debounceSeconds": st.integers(0, 60)},
    }
    return st.fixed_dictionaries({}, optional=blocks.get(kind, {}))


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """`spec` of a resource as people write it: with any of the optional fields, or none."""
    kind = draw(st.sampled_from(list(AssistantKind)))
    numbers = draw(st.lists(_like(DIGITS), min_size=1, max_size=20, unique=True))
    limits = {
        "messagesPerSecondPerCustomer": st.integers(1, 100),
        "messagesPerDayPerCustomer": st.integers(1, 1_000_000),
        "transactionsPerMonth": st.integers(1, 100_000_000),
    }
    whatsapp = {
        "businessAccountID": draw(_like(DIGITS)),
        "phoneNumbers": [{"phoneNumberID": number} for number in numbers],
        "secretRef": {"name": draw(_like(SECRET_NAME))},
        **draw(st.fixed_dictionaries({}, optional={"graphVersion": _like(GRAPH_VERSION)})),
    }
    retention = st.fixed_dictionaries({}, optional={"media": _like(DURATION), "messages": _like(DURATION)})
    optional = {
        "languages": st.lists(_like(LANGUAGE), min_size=1, max_size=10),
        "timeZone": st.sampled_from(ZONES),
        "isolation": st.sampled_from([one.value for one in Isolation]),
        kind.value.lower(): _block(kind),
        "limits": st.fixed_dictionaries({}, optional=limits),
        "retention": retention,
        "deletionPolicy": st.sampled_from([one.value for one in DeletionPolicy]),
        "paused": st.booleans(),
        "hibernated": st.booleans(),
        "replicas": st.integers(1, 100),
    }
    required = {"displayName": st.text(_PRINTABLE, min_size=1, max_size=100)}
    drawn = draw(st.fixed_dictionaries(required, optional=optional))
    return {**drawn, "assistant": kind.value, "whatsapp": whatsapp}


def resource(spec: dict[str, Any], name: str = "generated", namespace: str = "shops") -> dict[str, Any]:
    """The whole resource of a spec."""
    return {
        "apiVersion": "munshi.dev/v1alpha1",
        "kind": "WhatsAppTenant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
