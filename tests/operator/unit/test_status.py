"""A status from the last one and what a pass found."""

from datetime import UTC, datetime, timedelta

from munshi_operator.status import Finding, Findings, build_status, condition, ready_of
from munshi_operator.types import Part

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def found(**conditions: tuple[str, str]) -> Findings:
    made = Findings(1, phase="Ready")
    for kind, (truth, reason) in conditions.items():
        made.set(kind, truth, reason)  # type: ignore[arg-type]
    return made


def test_a_time_changes_with_the_truth_alone() -> None:
    first = build_status({}, found(Ready=("False", "PodsStarting")), NOW)
    later = NOW + timedelta(minutes=1)
    second = build_status(first, found(Ready=("False", "PodsFailing")), later)
    assert condition(second, "Ready")["lastTransitionTime"] == "2026-11-21T12:00:00Z"
    assert condition(second, "Ready")["reason"] == "PodsFailing"
    third = build_status(second, found(Ready=("True", "Serving")), later)
    assert condition(third, "Ready")["lastTransitionTime"] == "2026-11-21T12:01:00Z"


def test_what_a_pass_does_not_name_stays_and_none_takes_away() -> None:
    first = found(Ready=("True", "Serving"), DatabaseReady=("True", "Ready"))
    first.fields |= {"cell": "pool", "selector": "a=b"}
    before = build_status({}, first, NOW)
    second = found(Ready=("True", "Serving"))
    second.fields["selector"] = None
    after = build_status(before, second, NOW)
    assert condition(after, "DatabaseReady") == condition(before, "DatabaseReady")
    assert after["cell"] == "pool"
    assert "selector" not in after
    assert build_status(after, found(Ready=("True", "Serving")), NOW + timedelta(days=1)) == after


def test_a_tenant_is_ready_when_its_places_are_made_and_its_pods_serve() -> None:
    pods = Finding("True", "Serving")
    made = Findings(1)
    assert ready_of(made, {}, pods).reason == "Provisioning"
    for kind in ("DatabaseReady", "StreamsReady", "StorageReady"):
        made.part(kind, Part(True, "Ready", ""))
    assert ready_of(made, {}, pods) == pods
    made.set("CredentialsValid", "Unknown", "GraphUnreachable")
    assert ready_of(made, {}, pods) == pods
    made.part("CredentialsValid", Part(False, "TokenRefused", "put a new one"))
    assert ready_of(made, {}, pods) == Finding("False", "TokenRefused", "put a new one")
