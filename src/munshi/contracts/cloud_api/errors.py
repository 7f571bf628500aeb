"""What each of Meta's error codes means for us: one table, as data.

Act on the code (and `error_data.details`), not on the HTTP status; the status decides only for codes that the
table does not know.
"""

from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """Families of errors; the label of metrics and alerts."""

    TRANSIENT = "transient"
    PAIR_LIMIT = "pair_limit"
    ACCOUNT = "account"
    CREDENTIALS = "credentials"
    WINDOW_CLOSED = "window_closed"
    RECIPIENT = "recipient"
    MEDIA = "media"
    TEMPLATE = "template"
    BAD_REQUEST = "bad_request"
    UNKNOWN = "unknown"
    """A code that nobody told us of, in a status that is final already."""


class Action(StrEnum):
    """What the sender does."""

    RETRY = "retry"
    """Back off with jitter, try again."""
    HOLD_PAIR = "hold_pair"
    """Hold this pair of numbers only: 4^n seconds."""
    PAUSE_NUMBER = "pause_number"
    """Pause the business's number, condition on the tenant, alert."""
    PAUSE_SENDING = "pause_sending"
    """Pause the tenant's sending, keep everything, go on when the credentials were renewed."""
    USE_TEMPLATE = "use_template"
    """Switch to a template if there is one, else give up and record."""
    GIVE_UP = "give_up"
    """No retry; recorded."""
    TELL_PERSON = "tell_person"
    """No retry; say so to the person."""
    ALERT = "alert"
    """No retry; alert."""
    DEAD_LETTER = "dead_letter"
    """A defect of ours: dead letter with the body."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to make of one error."""

    error_class: ErrorClass
    action: Action
    opts_out: bool = False
    """The person opted out of marketing: remember it."""
    wait_seconds: float | None = None
    """Not before so long may this person be written to again."""


_ACTIONS: dict[ErrorClass, Action] = {
    ErrorClass.TRANSIENT: Action.RETRY,
    ErrorClass.PAIR_LIMIT: Action.HOLD_PAIR,
    ErrorClass.ACCOUNT: Action.PAUSE_NUMBER,
    ErrorClass.CREDENTIALS: Action.PAUSE_SENDING,
    ErrorClass.WINDOW_CLOSED: Action.USE_TEMPLATE,
    ErrorClass.RECIPIENT: Action.GIVE_UP,
    ErrorClass.MEDIA: Action.TELL_PERSON,
    ErrorClass.TEMPLATE: Action.ALERT,
    ErrorClass.BAD_REQUEST: Action.DEAD_LETTER,
    ErrorClass.UNKNOWN: Action.GIVE_UP,
}

_CODES: dict[ErrorClass, tuple[int | range, ...]] = {
    ErrorClass.TRANSIENT: (1, 2, 131000, 131016, 133004, 131057, 130429, 4, 80007),
    ErrorClass.PAIR_LIMIT: (131056,),
    ErrorClass.ACCOUNT: (131048, 131064, 368, 130497, 131031, 131042, 131045, 133010, 131037),
    ErrorClass.CREDENTIALS: (0, 3, 10, 190, range(200, 300), 131005),
    ErrorClass.WINDOW_CLOSED: (131047,),
    ErrorClass.RECIPIENT: (131026, 131049, 131050, 130403, 130472, 131021, 131062, 131063),
    ErrorClass.MEDIA: (131051, 131052, 131053),
    ErrorClass.TEMPLATE: (*(132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069),),
    ErrorClass.BAD_REQUEST: (33, 100, 131008, 131009, 135000),
}

_DAY_SECONDS = 86_400.0

_SPECIAL: dict[int, Verdict] = {
    131049: Verdict(ErrorClass.RECIPIENT, Action.GIVE_UP, wait_seconds=_DAY_SECONDS),
    131050: Verdict(ErrorClass.RECIPIENT, Action.GIVE_UP, opts_out=True),
}


def _table() -> dict[int, Verdict]:
    table: dict[int, Verdict] = {}
    for error_class, codes in _CODES.items():
        verdict = Verdict(error_class, _ACTIONS[error_class])
        for code in codes:
            table.update(dict.fromkeys(code if isinstance(code, range) else (code,), verdict))
    return table | _SPECIAL


VERDICTS: dict[int, Verdict] = _table()
"""Every code that is known, with what to do."""


def classify(code: int | None, http_status: int | None = None) -> Verdict:
    """The verdict on an error.

    Args:
        code: `error.code`; `None` where the answer had none.
        http_status: of the answer; `None` for an error that came in a status webhook.
    """
    known = VERDICTS.get(code) if code is not None else None
    return known or _by_status(http_status)


def _by_status(http_status: int | None) -> Verdict:
    if http_status is None:
        error_class = ErrorClass.UNKNOWN
    elif http_status in {401, 403}:
        error_class = ErrorClass.CREDENTIALS
    elif http_status in {408, 425, 429} or http_status >= 500:
        error_class = ErrorClass.TRANSIENT
    elif http_status >= 400:
        error_class = ErrorClass.BAD_REQUEST
    else:
        error_class = ErrorClass.UNKNOWN
    return Verdict(error_class, _ACTIONS[error_class])
