"""Which whole messages end or take up again what a business sends."""

import pytest

from munshi.contracts.tenant import AssistantKind
from munshi_orchestrator.optout import Wish, wish_of


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "UNSUBSCRIBE!",
        "unsubscribe karo",
        "मैसेज बंद करो",
        "message band karo 🙏",
        "se désabonner",
    ],
)
def test_stop_words_of_every_assistant(text: str) -> None:
    for assistant in AssistantKind:
        assert wish_of(assistant, text, opted_out=False) is Wish.STOP


@pytest.mark.parametrize(
    "text",
    [
        "stop sending 500 to Ramesh",
        "Ramesh ko 500 diya, stop",
        "non-stop bus ka ticket 200",
        "remove",
        "band karo",
        "bas",
        "",
        "x" * 500,
    ],
)
def test_a_ledger_is_not_stopped_by_words_that_may_be_about_the_books(text: str) -> None:
    assert wish_of(AssistantKind.LEDGER, text, opted_out=False) is None


def test_outreach_is_stopped_by_more_words() -> None:
    assert wish_of(AssistantKind.CONCIERGE, "Remove", opted_out=False) is Wish.STOP
    assert wish_of(AssistantKind.SALES, "बंद करो।", opted_out=False) is Wish.STOP


def test_start_counts_only_after_a_stop() -> None:
    assert wish_of(AssistantKind.LEDGER, "Start", opted_out=False) is None
    assert wish_of(AssistantKind.LEDGER, "Start", opted_out=True) is Wish.START
    assert wish_of(AssistantKind.LEDGER, "शुरू करो", opted_out=True) is Wish.START
