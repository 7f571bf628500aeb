"""What is to be done with what a person said, before any assistant is asked: pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from munshi.contracts.assistant import Said, SaidKind
from munshi.contracts.tenant import WhatsAppTenantSpec
from munshi.db.turns import Conversation
from munshi_orchestrator.notices import Notice, is_due
from munshi_orchestrator.optout import Wish, wish_of
from munshi_orchestrator.pacing import NOTICE_ABOVE, DayCount, count_day, pace

SLOW_EVERY = timedelta(hours=1)


class Disposition(StrEnum):
    """What became of a message, as its mark says."""

    TURN = "turn"
    OPTED_OUT = "opted_out"
    """The person had stopped: kept, not answered."""
    STOP = "stop"
    START = "start"
    OVER_LIMIT = "over_limit"
    HUMAN = "human"
    """A person of the business has taken over: kept and shown, not answered."""
    UNAVAILABLE = "unavailable"
    PREFERENCE = "preference"
    IDENTITY = "identity"
    DEAD = "dead"


class Ruling(NamedTuple):
    """What to do with a step of a conversation."""

    disposition: Disposition
    now: datetime
    day: DayCount
    throttle_tat: datetime | None = None
    wait: float = 0.0
    """Seconds until it may be done."""
    notices: tuple[Notice, ...] = ()
    """What the platform says by itself."""

    def noted(self, before: dict[str, str]) -> dict[str, str] | None:
        """The record of notices after this step; `None` where it stays."""
        return (
            before | {notice.value: self.now.isoformat() for notice in self.notices} if self.notices else None
        )


def rule(
    spec: WhatsAppTenantSpec, talk: Conversation | None, said: Sequence[Said], waiting: int, now: datetime
) -> Ruling:
    """Decides on one step: `said` (at least one) with `waiting` more behind it; `talk` is `None` the first
    time."""
    opted_out = talk.opted_out if talk else False
    notices = talk.notices if talk else {}
    day = count_day(talk.day if talk else None, talk.day_count if talk else 0, now, spec.zone, len(said))
    wish = _wish(spec, said, opted_out=opted_out)
    if wish is Wish.STOP:
        told = () if opted_out else (Notice.OPTED_OUT,)
        return Ruling(Disposition.STOP, now, day, notices=told)
    if wish is Wish.START:
        return Ruling(Disposition.START, now, day, notices=(Notice.OPTED_IN,))
    if opted_out:
        return Ruling(Disposition.OPTED_OUT, now, day)
    if talk and talk.mode == "human":
        return Ruling(Disposition.HUMAN, now, day)
    if day.count > spec.limits.messages_per_day_per_customer:
        first = notices.get(Notice.OVER_LIMIT)
        told_today = (
            first is not None and datetime.fromisoformat(first).astimezone(spec.zone).date() == day.day
        )
        return Ruling(Disposition.OVER_LIMIT, now, day, notices=() if told_today else (Notice.OVER_LIMIT,))
    paced = pace(
        talk.throttle_tat if talk else None, now, spec.limits.messages_per_second_per_customer, len(said)
    )
    slow = paced.emptied and waiting >= NOTICE_ABOVE and is_due(notices, Notice.SLOW, now, SLOW_EVERY)
    return Ruling(Disposition.TURN, now, day, paced.tat, paced.wait, (Notice.SLOW,) if slow else ())


def _wish(spec: WhatsAppTenantSpec, said: Sequence[Said], *, opted_out: bool) -> Wish | None:
    """The last whole message decides where several were joined."""
    for one in reversed(said):
        if one.kind in (SaidKind.TEXT, SaidKind.BUTTON) and not one.unsure:
            return wish_of(spec.assistant, one.text, opted_out=opted_out)
    return None
