"""How conditions follow from one another and from pass to pass. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi_operator.status import (
    CREDENTIALS,
    DATABASE,
    DEGRADED,
    ORDER,
    READY,
    STORAGE,
    STREAMS,
    WEBHOOK,
    Finding,
    Findings,
    build_status,
    condition,
    ready_of,
    truth,
)
from munshi_operator.types import Part

FIRST = datetime(2026, 11, 1, 10, tzinfo=UTC)
LATER = FIRST + timedelta(minutes=5)
SERVING = Finding("True", "AsExpected", "")
TRUTHS = st.sampled_from(["True", "False", "Unknown"])


def found(generation: int = 1, **parts: tuple[Any, str]) -> Findings:
    made = Findings(generation)
    for kind, (state, reason) in parts.items():
        made.set(kind, state, reason, f"{reason} it is")
    return made


@given(before=TRUTHS, after=TRUTHS)
def test_the_time_changes_with_the_truth_and_with_nothing_else(before: Any, after: Any) -> None:
    old = build_status({}, found(1, Ready=(before, "First")), FIRST)
    new = build_status(old, found(2, Ready=(after, "Second")), LATER)
    one = condition(new, READY)
    wanted = FIRST if before == after else LATER
    assert one["lastTransitionTime"] == wanted.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (one["status"], one["reason"], one["observedGeneration"]) == (after, "Second", 2)


def test_a_pass_that_finds_the_same_writes_the_same() -> None:
    findings = found(3, Ready=("True", "AsExpected"), Degraded=("False", "AsExpected"))
    first = build_status({}, findings, FIRST)
    assert build_status(first, findings, LATER) == first


def test_what_a_pass_says_nothing_of_stays() -> None:
    first = build_status({}, found(1, DatabaseReady=("False", "RoleRefused")), FIRST)
    second = build_status(first, found(2, Ready=("False", "RoleRefused")), LATER)
    assert condition(second, DATABASE) == condition(first, DATABASE)
    assert truth(second, STREAMS) == "Unknown"


def test_conditions_stand_in_one_order_whatever_was_found_first() -> None:
    findings = found(1, **dict.fromkeys(reversed(ORDER), ("True", "AsExpected")))
    assert [one["type"] for one in build_status({}, findings, FIRST)["conditions"]] == list(ORDER)


def test_fields_are_kept_set_and_taken_away() -> None:
    one = Findings(1, phase="Ready", fields={"cell": "pool", "replicas": 2, "selector": "a=b"})
    first = build_status({"stray": 1}, one, FIRST)
    assert "stray" not in first
    second = build_status(first, Findings(2, fields={"replicas": None}), LATER)
    assert (second["cell"], second["selector"], second["phase"]) == ("pool", "a=b", "Ready")
    assert "replicas" not in second


def everything_made(**others: tuple[Any, str]) -> Findings:
    parts: dict[str, tuple[Any, str]] = dict.fromkeys(
        (CREDENTIALS, DATABASE, STREAMS, STORAGE), ("True", "AsExpected")
    )
    return found(1, **{**parts, **others})


@pytest.mark.parametrize("kind", [CREDENTIALS, DATABASE, STREAMS, STORAGE])
def test_a_part_that_fails_gives_ready_its_reason_and_words(kind: str) -> None:
    ready = ready_of(everything_made(**{kind: ("False", "SomethingBroke")}), {}, SERVING)
    assert ready == Finding("False", "SomethingBroke", "SomethingBroke it is")


def test_the_most_pressing_of_several_is_told() -> None:
    """Without a token nobody is answered, whatever else is broken; a person can mend that alone."""
    broken = everything_made(
        CredentialsValid=("False", "TokenExpired"),
        DatabaseReady=("False", "Away"),
        StorageReady=("False", "Full"),
    )
    assert ready_of(broken, {}, SERVING).reason == "TokenExpired"


def test_what_an_earlier_pass_found_still_counts() -> None:
    before = build_status({}, everything_made(StreamsReady=("False", "AccountRefused")), FIRST)
    assert ready_of(Findings(2), before, SERVING).reason == "AccountRefused"


def test_ready_waits_for_the_places_but_not_for_metas_answer() -> None:
    assert ready_of(Findings(1), {}, SERVING).reason == "Provisioning"
    assert ready_of(everything_made(CredentialsValid=("Unknown", "MetaAway")), {}, SERVING) == SERVING


@pytest.mark.parametrize("kind", [WEBHOOK, DEGRADED])
def test_some_conditions_are_told_and_hold_nothing_back(kind: str) -> None:
    assert ready_of(everything_made(**{kind: ("False", "Odd")}), {}, SERVING) == SERVING


def test_where_all_is_made_the_pods_decide() -> None:
    starting = Finding("False", "PodsStarting", "0 of 1 ready")
    assert ready_of(everything_made(), {}, starting) == starting


def test_a_part_becomes_a_condition() -> None:
    findings = Findings(1)
    findings.part(DATABASE, Part(ok=False, reason="RoleRefused", message="ask the administrator"))
    assert findings.conditions[DATABASE] == Finding("False", "RoleRefused", "ask the administrator")
