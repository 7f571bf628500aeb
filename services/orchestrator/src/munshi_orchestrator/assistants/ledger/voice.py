"""Voice notes that were not heard surely, and the wish for spoken replies."""

from munshi.contracts.assistant import VOICE_REPLIES, Said, SaidKind, Source
from munshi_orchestrator.assistants.ledger import words
from munshi_orchestrator.assistants.ledger.answer import Question, button
from munshi_orchestrator.assistants.ledger.desk import Desk, token
from munshi_orchestrator.assistants.ledger.phrases import Phrase
from munshi_orchestrator.assistants.ledger.state import LONGEST_TEXT, State, Unsure

HEARD, YES, NO = "heard", "yes", "no"


def confirmed(state: State, said: Said) -> tuple[Said, Unsure] | None:
    """The voice note that this message says yes to, as a message of its own; `None` where it does not."""
    unsure = state.unsure
    if unsure is None:
        return None
    tapped = said.button_id == f"{HEARD}|{YES}|{token(unsure.message_id)}"
    if not tapped and not (said.kind is SaidKind.TEXT and not said.unsure and words.is_yes(said.text)):
        return None
    update = {"kind": SaidKind.TEXT, "text": unsure.text, "button_id": None, "source": Source.VOICE}
    return said.model_copy(update=update), unsure


def denied(desk: Desk) -> bool:
    """Whether the message says that the last voice note was misheard; says so then."""
    unsure, said = desk.state.unsure, desk.said
    if unsure is None:
        return False
    tapped = said.button_id == f"{HEARD}|{NO}|{token(unsure.message_id)}"
    typed = said.kind is SaidKind.TEXT and (words.is_no(said.text) or words.is_drop(said.text))
    if not tapped and not (typed and said.transcript is None):
        return False
    desk.state.unsure = None
    desk.answer.add(desk.voice.say(Phrase.VOICE_AGAIN))
    return True


def doubted(desk: Desk) -> bool:
    """Whether the message is a voice note that was not heard surely; asks then."""
    transcript = desk.said.transcript
    if transcript is None:
        return False
    text = words.clean(desk.said.text, LONGEST_TEXT)
    if not text:
        desk.answer.add(desk.voice.say(Phrase.VOICE_SILENT))
        return True
    if not desk.said.unsure:
        return False
    desk.state.unsure = Unsure(message_id=desk.said.message_id, text=text)
    carried = token(desk.said.message_id)
    desk.answer.ask(
        Question(
            desk.voice.say(Phrase.VOICE_HEARD, text=text),
            buttons=(
                button(f"{HEARD}|{YES}|{carried}", desk.voice.say(Phrase.BUTTON_HEARD)),
                button(f"{HEARD}|{NO}|{carried}", desk.voice.say(Phrase.BUTTON_NO)),
            ),
        )
    )
    return True


def wished(desk: Desk) -> bool:
    """Takes a wish for spoken or written replies; whether the message was nothing else."""
    wish = words.voice_wish(desk.said.text)
    if wish is None:
        return False
    desk.spoken = wish.on
    desk.books.remember(VOICE_REPLIES, {"on": wish.on})
    if wish.whole and wish.on:
        desk.answer.add(desk.voice.say(Phrase.VOICE_ON), written=desk.voice.say(Phrase.VOICE_CANNOT))
    elif wish.whole:
        desk.answer.add(desk.voice.say(Phrase.VOICE_OFF))
    return wish.whole
