"""What follows from the end of a send: one table, pure. Which error is of which class says
`contracts.cloud_api`."""

import random
from enum import StrEnum
from typing import NamedTuple

from munshi.contracts.cloud_api import Action, ErrorClass, Verdict, classify
from munshi_orchestrator.graph import Accepted, Answer, NotSent, Refused, Unknown


class Result(StrEnum):
    """What becomes of the row of the outbox."""

    SENT = "sent"
    RETRY = "retry"
    UNSETTLED = "unsettled"
    FAILED = "failed"
    DEAD = "dead"


class Pause(StrEnum):
    """Why a number sends no more for now."""

    CREDENTIALS = "credentials"
    """Until the tenant's credentials change."""
    ACCOUNT = "account"
    """Until a person resumes it, or one message is tried again after a time."""


class Consequence(NamedTuple):
    """What to do after one send."""

    result: Result
    label: str
    """Class of the answer, for metrics."""
    wamid: str | None = None
    retry_in: float | None = None
    """Seconds, for `RETRY`."""
    code: int | None = None
    detail: str | None = None
    reason: str | None = None
    """Of the dead letter, where there is one."""
    opts_out: bool = False
    pause: Pause | None = None
    alert: bool = False


UNWRITTEN_CAP_SECONDS = 5.0
"""Longest wait after a connection that could not be made: a restarted API is found again within this."""
TRANSIENT_CAP_SECONDS = 60.0
"""Longest wait after a passing error; while it lasts the window of 24 hours decides when to give up."""
PAIR_CAP_SECONDS = 4.0**5
"""Longest hold of a pair: beyond 17 minutes its bucket is full again in any case (45 messages at 6 s)."""


def after(answer: Answer, attempt: int, *, jitter: float | None = None) -> Consequence:
    """The consequence of one answer. `attempt` counts from 1; `jitter` (0 to 1) is random unless given."""
    spread = random.random() if jitter is None else jitter
    match answer:
        case Accepted(wamid):
            return Consequence(Result.SENT, "accepted", wamid=wamid)
        case Unknown(reason):
            return Consequence(Result.UNSETTLED, "unknown", detail=reason)
        case NotSent(reason):
            wait = 0.0 if attempt == 1 else min(UNWRITTEN_CAP_SECONDS, 0.1 * 2 ** min(attempt, 10))
            return Consequence(Result.RETRY, "not_sent", retry_in=_later(wait, spread), detail=reason)
        case Refused():
            return _refused(answer, attempt, spread)


def _refused(answer: Refused, attempt: int, spread: float) -> Consequence:
    verdict = classify(answer.code, answer.status)
    result, wait, pause = _ROWS[verdict.action]
    seconds = _wait(verdict, answer, attempt) if wait else 0.0
    if verdict.error_class is ErrorClass.UNKNOWN:
        result = Result.DEAD
    return Consequence(
        result,
        verdict.error_class,
        retry_in=_later(seconds, spread) if result is Result.RETRY else None,
        code=answer.code,
        detail=answer.detail,
        reason=verdict.error_class if result is Result.DEAD else None,
        opts_out=verdict.opts_out,
        pause=pause,
        alert=verdict.action in _ALERTS,
    )


_ROWS: dict[Action, tuple[Result, bool, Pause | None]] = {
    Action.RETRY: (Result.RETRY, True, None),
    Action.HOLD_PAIR: (Result.RETRY, True, None),
    Action.PAUSE_NUMBER: (Result.RETRY, False, Pause.ACCOUNT),
    Action.PAUSE_SENDING: (Result.RETRY, False, Pause.CREDENTIALS),
    # No assistant has a template to fall back to; the message is recorded as failed.
    Action.USE_TEMPLATE: (Result.FAILED, False, None),
    Action.GIVE_UP: (Result.FAILED, False, None),
    Action.TELL_PERSON: (Result.FAILED, False, None),
    Action.ALERT: (Result.FAILED, False, None),
    Action.DEAD_LETTER: (Result.DEAD, False, None),
}
_ALERTS = frozenset({Action.PAUSE_NUMBER, Action.PAUSE_SENDING, Action.ALERT, Action.DEAD_LETTER})


def _wait(verdict: Verdict, answer: Refused, attempt: int) -> float:
    if verdict.action is Action.HOLD_PAIR:
        return float(min(PAIR_CAP_SECONDS, 4.0 ** min(attempt, 8)))
    return max(answer.retry_after or 0.0, min(TRANSIENT_CAP_SECONDS, 2.0 ** min(attempt - 1, 8)))


def _later(seconds: float, spread: float) -> float:
    """Up to a quarter later, never sooner."""
    return seconds * (1 + spread / 4)
