"""Greetings, help, thanks, and what is none of the books' business."""

from munshi_orchestrator.assistants.ledger import questions, words
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import LONGEST_NAME, Topic

_PICTURES = frozenset({"image", "document", "sticker"})
_SOUNDS = frozenset({"audio", "voice"})


def greet(desk: Desk) -> None:
    """A greeting; the first one of a conversation shows how to write."""
    name = words.clean(desk.given.person_name or "", LONGEST_NAME)
    if name:
        desk.answer.add(desk.voice.say(Phrase.GREETING_NAMED, name=name))
    else:
        desk.answer.add(desk.voice.say(Phrase.GREETING))
    desk.answer.add(desk.voice.say(Phrase.GREETING_MORE))


def help_out(desk: Desk) -> None:
    """What can be written, by example."""
    desk.answer.add(desk.voice.say(Phrase.HELP))


async def other(desk: Desk) -> None:
    """Says what is done here; a question that waits is asked again, with the way out of it."""
    if desk.state.drafts:
        await questions.advance(desk)
        if desk.answer.question is not None:
            desk.answer.question.text += f"\n{desk.voice.say(Phrase.HINT_DROP)}"
        return
    desk.answer.add(desk.voice.say(Phrase.OTHER))
    desk.state.topic = Topic.ELSE


def thanks(desk: Desk) -> None:
    """Answers a thank-you."""
    desk.answer.add(desk.voice.say(Phrase.THANKS))


def unreadable(desk: Desk) -> None:
    """Media that cannot be read yet."""
    kind = desk.said.media_type or ""
    if kind in _PICTURES:
        desk.answer.add(desk.voice.say(Phrase.MEDIA_PICTURE))
    elif kind in _SOUNDS:
        desk.answer.add(desk.voice.say(Phrase.MEDIA_VOICE))
    else:
        desk.answer.add(desk.voice.say(Phrase.MEDIA_ELSE))
