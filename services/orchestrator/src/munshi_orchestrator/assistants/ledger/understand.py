"""From messages to readings: the model's view of each text, and the few closed rules that augment it."""

from collections.abc import Sequence
from dataclasses import dataclass

from munshi.contracts.assistant import Said, SaidKind, TurnInput
from munshi.contracts.ids import MessageID
from munshi.contracts.understanding import (
    Entities,
    Intent,
    Language,
    Request,
    Understander,
    Understanding,
)
from munshi_orchestrator.assistants.ledger import fields, language, voice, words
from munshi_orchestrator.assistants.ledger.days import day_of
from munshi_orchestrator.assistants.ledger.lexicon import listed
from munshi_orchestrator.assistants.ledger.state import LONGEST_NAME, Query, State, Topic

LEAST = 0.2
"""Below this confidence nothing is taken for an entry or a question about the books."""
SHORT = 5
"""Words of a message that can lean on the one before it ("aur Suresh ka?")."""

_SURE = 0.95
"""From this confidence on the model is not overruled."""

ENTRIES = frozenset({Intent.ADD_TRANSACTION, Intent.ADD_RECEIPT})
QUERIES = frozenset({Intent.QUERY_TOTAL_DAY, Intent.QUERY_TOTAL_PERIOD, Intent.QUERY_CUSTOMER_BALANCE})
_VAGUE = frozenset({Intent.CLARIFY, Intent.OTHER})
_NO_NAMES = listed("""
    aur or and the what about who whom whose owes owe owed most sabse zyada jyada kiska kiski kiske
    kisko kisne kaun kon kitna kitne kitni balance total hisaab hisab baaki baki udhaar udhar entry wali
    wala wale last aaj kal customer और कौन किसका किसकी किसके किसको कितना कितने कितनी सबसे ज़्यादा ज्यादा
    हिसाब बाकी बाक़ी उधार आज कल टोटल बैलेंस एंट्री वाली वाला
    """)


@dataclass(frozen=True, slots=True)
class Reading:
    """A message with its understanding and the language of its answer."""

    said: Said
    understanding: Understanding
    language: Language
    origin: MessageID | None = None
    """The voice note whose text this is, where the message only said yes to it."""


async def read_all(understander: Understander, given: TurnInput, state: State) -> tuple[Reading, ...]:
    """Readings of all messages of a turn, in order; each answer's language follows from the ones before."""
    readings = []
    current = given.language
    for heard in given.said:
        said, origin = heard, None
        confirmed = voice.confirmed(state, heard)
        if confirmed is not None:
            said, origin = confirmed[0], confirmed[1].message_id
            state.unsure = None
        if said.text and said.button_id is None and said.kind is not SaidKind.REVOKE:
            understanding = await _understood(understander, given, said, state)
            current = language.choose(given, current, understanding.language, said.text)
        else:
            understanding = _nothing(said.text)
        readings.append(Reading(said, understanding, current or language.first_of(given, None), origin))
    return tuple(readings)


async def _understood(
    understander: Understander, given: TurnInput, said: Said, state: State
) -> Understanding:
    """The model's reading; where it leans on a pronoun, that of the text with the name in its place."""
    understanding = _tidy(await understander.understand(_request(given, said, said.text)))
    if state.customer is None or understanding.entities.customer_name or not words.has_pronoun(said.text):
        return understanding
    spelt_out = words.with_name(said.text, state.customer)
    named = _tidy(await understander.understand(_request(given, said, spelt_out)))
    own = {"text": said.text, "language": understanding.language, "masked": understanding.masked}
    return named.model_copy(update=own)


def _request(given: TurnInput, said: Said, text: str) -> Request:
    ledger = given.spec.ledger
    return Request(
        text=text,
        today=day_of(said.at, given.spec.zone),
        currency=ledger.currency if ledger else "INR",
        assistant=given.spec.assistant.value,
        mask=ledger is not None and ledger.keep_training_material,
    )


def _nothing(text: str) -> Understanding:
    return Understanding(text=text, intent=Intent.OTHER, confidence=0.0)


def _tidy(understanding: Understanding) -> Understanding:
    entities = understanding.entities
    name = tidy_name(entities.customer_name)
    category = entities.category or (
        words.category_of(understanding.text)
        if understanding.intent in ENTRIES or words.tells_of_entry(understanding.text)
        else None
    )
    if (name, category) != (entities.customer_name, entities.category):
        entities = entities.model_copy(update={"customer_name": name, "category": category})
    elif not understanding.further:
        return understanding
    return understanding.model_copy(
        update={"entities": entities, "further": tuple(_tidy(further) for further in understanding.further)}
    )


def tidy_name(name: str | None) -> str | None:
    """A usable name: without question words around it; `None` for a pronoun or what is none."""
    if not name:
        return None
    parts = words.clean(name, LONGEST_NAME).strip(" .,!?-").split()
    while parts and parts[0].casefold() in _NO_NAMES:
        parts.pop(0)
    while parts and parts[-1].casefold() in _NO_NAMES:
        parts.pop()
    tidied = " ".join(parts)
    if not any(char.isalpha() for char in tidied) or any(words.is_pronoun(part) for part in parts):
        return None
    return tidied


def has_content(entities: Entities) -> bool:
    """Whether anything of an entry was named."""
    return any(
        part is not None
        for part in (entities.amount, entities.customer_name, entities.category, entities.date)
    )


def intent_of(state: State, understanding: Understanding) -> Intent:
    """What the person wants, given what was spoken of before. The model sees one text; this sees the talk."""
    text = understanding.text
    by_command = words.command(text)
    if by_command is not None:
        return by_command
    leaning = _leaning(state, understanding)
    if leaning is not None:
        return leaning
    intent = understanding.intent
    if understanding.confidence < LEAST and intent in ENTRIES | QUERIES | {Intent.CORRECT, Intent.UNDO}:
        return Intent.OTHER
    return intent


def _leaning(state: State, understanding: Understanding) -> Intent | None:
    """What a message says only after the one before it, or without what the model expects of it."""
    if _states_entry(understanding):
        return Intent.ADD_TRANSACTION
    if words.word_count(understanding.text) > SHORT:
        return None
    unclear = understanding.intent in _VAGUE or understanding.confidence < 0.5
    if state.topic is Topic.ENTRY and _corrects(understanding, unclear=unclear):
        return Intent.CORRECT
    if unclear and understanding.entities.amount is None:
        return _asks_on(state, understanding)
    return None


def _states_entry(understanding: Understanding) -> bool:
    """An entry without its amount ("Ramesh ko maal udhaar diya"): it looks like a question for a balance."""
    entities = understanding.entities
    return (
        understanding.intent in (*_VAGUE, Intent.QUERY_CUSTOMER_BALANCE)
        and understanding.confidence < _SURE
        and entities.amount is None
        and entities.customer_name is not None
        and words.tells_of_entry(understanding.text)
    )


def _corrects(understanding: Understanding, *, unclear: bool) -> bool:
    """After an entry: "nahi Mahesh", "Suresh nahi Mahesh", "kal ka tha", "total 640 hai"."""
    text, entities = understanding.text, understanding.entities
    if unclear and understanding.intent is not Intent.CORRECT and fields.named(text, entities):
        return True
    if unclear and words.begins_with_no(text) and has_content(entities):
        return True
    if entities.amount is not None:
        return False
    if words.swapped(text) is not None and (unclear or understanding.intent is Intent.CORRECT):
        return True
    names_something = entities.date or entities.customer_name or words.category_of(text)
    return bool(names_something) and words.speaks_of_past(text) and understanding.intent not in ENTRIES


def _asks_on(state: State, understanding: Understanding) -> Intent | None:
    """After a question: "aur kal?", "aur Suresh ka?"; "uska balance?" also later."""
    text, entities = understanding.text, understanding.entities
    if words.has_pronoun(text) and state.customer and words.asks_balance(text):
        return Intent.QUERY_CUSTOMER_BALANCE
    if state.topic is not Topic.QUERY:
        return None
    if entities.date is not None or words.speaks_of_day(text):
        return Intent.QUERY_TOTAL_PERIOD if "/" in (entities.date or "") else Intent.QUERY_TOTAL_DAY
    if state.query is Query.BALANCE and (entities.customer_name or words.has_pronoun(text)):
        return Intent.QUERY_CUSTOMER_BALANCE
    return None


def all_of(understanding: Understanding) -> Sequence[Understanding]:
    """An entry message and its further entries, as one list."""
    return (understanding, *understanding.further)
