"""What a step comes to, as the commit takes it: marks alone, a word before the answer, an apology, a turn.
Computes only."""

import dataclasses

from munshi.contracts.assistant import Reply, TurnOutcome
from munshi.contracts.ids import MessageID
from munshi.db.turns import LoadedTurn, NewReply, PairLimit, TurnCommit
from munshi_orchestrator.notices import Notice, text_of
from munshi_orchestrator.payloads import body_of
from munshi_orchestrator.reading import LaneGrant
from munshi_orchestrator.rulings import Disposition, Ruling
from munshi_orchestrator.steps import Step


def worded(notice: Notice, step: Step, loaded: LoadedTurn) -> str:
    """A notice in the conversation's language, else in the tenant's first one."""
    talk = loaded.conversation
    return text_of(notice, talk.language if talk else None, step.tenant.spec.languages[0])


def kept(grant: LaneGrant, step: Step, loaded: LoadedTurn) -> TurnCommit:
    """Marks events of which no turn is made."""
    talk = loaded.conversation
    return TurnCommit(
        tenant=step.tenant.key,
        lane=grant.lane,
        fence=grant.fence,
        phone_number_id=step.number,
        identities=step.identities,
        messages=step.marks(step.kept_as),
        conversation_id=talk.id if talk else None,
        version=talk.version if talk else None,
        person_name=step.person.name,
        effects=step.effects,
        window_expires_at=step.window_expires_at,
        claim=None,
    )


def announcement(grant: LaneGrant, step: Step, loaded: LoadedTurn, message_id: MessageID) -> TurnCommit:
    """A word before the answer: the marks say only which message it is about."""
    text = worded(Notice.WORKING, step, loaded)
    return dataclasses.replace(
        kept(grant, step, loaded),
        messages=[mark for mark in step.marks(Disposition.TURN) if mark.id == message_id],
        effects=(),
        replies=[NewReply(body_of(Reply(text=text, quotes=message_id)), reply_to=message_id)],
    )


def apology(grant: LaneGrant, step: Step, loaded: LoadedTurn, notice: Notice) -> TurnCommit:
    """The same marks as dead ones, and a word to whoever said something."""
    talk = loaded.conversation
    answer = NewReply(body_of(Reply(text=worded(notice, step, loaded))), reply_to=step.message_ids[-1])
    return dataclasses.replace(
        kept(grant, step, loaded),
        messages=step.marks(Disposition.DEAD),
        effects=(),
        replies=[answer] if step.said and not (talk and talk.opted_out) else [],
    )


def drafted(
    grant: LaneGrant, step: Step, loaded: LoadedTurn, ruling: Ruling, outcome: TurnOutcome | None
) -> TurnCommit:
    """All that a turn came to, ready to be written."""
    talk = loaded.conversation
    asked = step.said[-1].message_id
    stopping = ruling.disposition is Disposition.STOP
    replies = [
        NewReply(body_of(Reply(text=worded(notice, step, loaded))), reply_to=asked, past_opt_out=stopping)
        for notice in ruling.notices
    ]
    if outcome is not None:
        replies += [NewReply(body_of(reply), reply_to=asked) for reply in outcome.replies]
    expires = step.window_expires_at
    # Nothing goes at once where something still waits before it, or where the window has closed meanwhile.
    claimable = not (talk and talk.pending_outbox) and expires is not None and ruling.now < expires
    return TurnCommit(
        tenant=step.tenant.key,
        lane=grant.lane,
        fence=grant.fence,
        phone_number_id=step.number,
        identities=step.identities,
        messages=step.marks(ruling.disposition),
        conversation_id=talk.id if talk else None,
        version=talk.version if talk else None,
        person_name=step.person.name,
        state=outcome.state if outcome else None,
        language=outcome.language if outcome else None,
        effects=(*step.effects, *outcome.effects) if outcome else step.effects,
        replies=replies,
        window_expires_at=expires,
        throttle_tat=ruling.throttle_tat,
        day=ruling.day.day,
        day_count=ruling.day.count,
        notices=ruling.noted(talk.notices if talk else {}),
        opted_out={Disposition.STOP: True, Disposition.START: False}.get(ruling.disposition),
        claim=PairLimit() if claimable else None,
    )
