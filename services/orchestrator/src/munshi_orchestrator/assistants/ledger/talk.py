"""Greetings, help, thanks, and what is none of the books' business."""

from munshi.contracts.assistant import Said
from munshi.contracts.media import Refusal
from munshi_orchestrator.assistants.ledger import questions, words
from munshi_orchestrator.assistants.ledger.desk import Desk
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import LONGEST_NAME, Topic

_SOUNDS = frozenset({"audio", "voice"})
_FILES = frozenset({"document", "video"})
"""A person meant them to be read; a sticker or a place is only shown."""
_REFUSED = {
    Refusal.TOO_LARGE: Phrase.FILE_TOO_LARGE,
    Refusal.TOO_MANY_PIXELS: Phrase.FILE_TOO_LARGE,
    Refusal.WRONG_TYPE: Phrase.FILE_WRONG_TYPE,
    Refusal.ARCHIVE_BOMB: Phrase.FILE_WRONG_TYPE,
    Refusal.MALFORMED: Phrase.FILE_BROKEN,
    Refusal.LOCKED: Phrase.FILE_LOCKED,
    Refusal.TOO_MANY_PAGES: Phrase.FILE_TOO_MANY_PAGES,
    Refusal.TOO_LONG: Phrase.FILE_TOO_LONG,
    Refusal.GONE: Phrase.FILE_GONE,
}
"""Other refusals are told by whether it was to be seen or heard."""


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
    """What has nothing to read, or was refused."""
    desk.answer.add(desk.voice.say(_why(desk.said)))


def _why(said: Said) -> Phrase:
    sound = said.media_type in _SOUNDS
    if said.refused is None:
        return Phrase.FILE_WRONG_TYPE if said.media_type in _FILES else Phrase.MEDIA_ELSE
    if sound and said.refused is Refusal.TOO_LARGE:
        return Phrase.FILE_TOO_LONG
    if said.refused is Refusal.NO_ENGINE:
        return Phrase.MEDIA_VOICE if sound else Phrase.MEDIA_PICTURE
    unclear = Phrase.FILE_UNCLEAR_SOUND if sound else Phrase.FILE_UNCLEAR_PICTURE
    return _REFUSED.get(said.refused, unclear)
