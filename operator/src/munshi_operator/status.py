"""The status of a tenant: what people and `kubectl wait` read. Pure.

It is derived anew in each pass from the last one and what the pass learned, and written only when it differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from munshi.contracts.ids import CellName
from munshi_operator.types import OutsideReport, Part

Truth = Literal["True", "False", "Unknown"]
Status = dict[str, Any]

READY = "Ready"
PROGRESSING = "Progressing"
CREDENTIALS = "CredentialsValid"
WEBHOOK = "WebhookVerified"
DATABASE = "DatabaseReady"
STREAMS = "StreamsReady"
STORAGE = "StorageReady"
PAUSED = "Paused"
DEGRADED = "Degraded"
ORDER = (READY, PROGRESSING, CREDENTIALS, WEBHOOK, DATABASE, STREAMS, STORAGE, PAUSED, DEGRADED)

FINE = "AsExpected"
SECRET_MISSING = "SecretMissing"  # noqa: S105 (a reason)
SECRET_INCOMPLETE = "SecretIncomplete"  # noqa: S105 (a reason)
SECRET_REASONS = frozenset({SECRET_MISSING, SECRET_INCOMPLETE})


@dataclass(frozen=True, slots=True)
class Finding:
    """What one pass found of one condition."""

    truth: Truth
    reason: str
    message: str = ""


@dataclass(slots=True)
class Findings:
    """What one pass found. What is not named stays as the last pass left it."""

    generation: int
    conditions: dict[str, Finding] = field(default_factory=dict)
    phase: str = ""
    """One word for people."""
    fields: dict[str, Any] = field(default_factory=dict)
    """`webhookURL`, `cell`, `applied`, `replicas`, `readyReplicas`, `selector`; `None` takes one away."""

    def part(self, kind: str, part: Part) -> None:
        """A condition from the outcome of a part."""
        self.conditions[kind] = Finding("True" if part.ok else "False", part.reason, part.message)

    def report(self, report: OutsideReport) -> None:
        """The conditions of what lies outside the cluster."""
        self.part(DATABASE, report.database)
        self.part(STREAMS, report.streams)
        self.part(STORAGE, report.storage)

    def set(self, kind: str, truth: Truth, reason: str, message: str = "") -> None:
        """A condition."""
        self.conditions[kind] = Finding(truth, reason, message)


def build_status(before: Mapping[str, Any], found: Findings, now: datetime) -> Status:
    """The whole new status. Times change only with the truth of their condition."""
    old = {one["type"]: one for one in before.get("conditions") or ()}
    conditions = []
    for kind in ORDER:
        finding = found.conditions.get(kind)
        if finding is not None:
            conditions.append(_condition(kind, finding, old.get(kind), found.generation, now))
        elif kind in old:
            conditions.append(dict(old[kind]))
    status: Status = {name: value for name, value in before.items() if name in _KEPT}
    status.update(found.fields)
    status["observedGeneration"] = found.generation
    status["conditions"] = conditions
    if found.phase:
        status["phase"] = found.phase
    return {name: value for name, value in status.items() if value is not None}


_KEPT = frozenset({"webhookURL", "cell", "phase", "applied", "replicas", "readyReplicas", "selector"})


def _condition(
    kind: str, finding: Finding, old: Mapping[str, Any] | None, generation: int, now: datetime
) -> dict[str, Any]:
    same = old is not None and old.get("status") == finding.truth
    since = old["lastTransitionTime"] if old is not None and same else now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": kind,
        "status": finding.truth,
        "reason": finding.reason,
        "message": finding.message,
        "lastTransitionTime": since,
        "observedGeneration": generation,
    }


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition of a status; empty where it is not there."""
    return next((one for one in status.get("conditions") or () if one.get("type") == kind), {})


def truth(status: Mapping[str, Any], kind: str) -> str:
    """`True`, `False` or `Unknown`."""
    return str(condition(status, kind).get("status", "Unknown"))


def served_cell(status: Mapping[str, Any]) -> CellName | None:
    """The cell that serves the tenant, as last noted; `None` before the first time."""
    cell = status.get("cell")
    return CellName(cell) if cell else None


def ready_of(found: Findings, before: Mapping[str, Any], pods: Finding) -> Finding:
    """Whether the tenant answers its customers: credentials hold, its places are made, its pods run.

    Credentials that could not be checked do not hold it back: the Graph API being away is no fault of theirs.
    """
    for kind in (CREDENTIALS, DATABASE, STREAMS, STORAGE):
        finding = found.conditions.get(kind)
        state = finding.truth if finding else truth(before, kind)
        if state == "False":
            old = condition(before, kind)
            reason = finding.reason if finding else str(old.get("reason", kind))
            message = finding.message if finding else str(old.get("message", ""))
            return Finding("False", reason, message)
        if state == "Unknown" and kind != CREDENTIALS:
            return Finding("False", "Provisioning", "its database and streams are being made")
    return pods
