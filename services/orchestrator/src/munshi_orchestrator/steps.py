"""What one step of a conversation is about: its events read and sorted. Pure but for sealing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from munshi.contracts.assistant import Effect, EraseFile, Remember, Said, SaidKind
from munshi.contracts.cloud_api import parse_message, parse_preference
from munshi.contracts.events import Kind, Person
from munshi.contracts.ids import MessageID, PhoneNumberID
from munshi.contracts.media import MediaAnswer, ReadRequest
from munshi.db.turns import Identity, Message
from munshi.errors import Permanent
from munshi.registry import Tenant
from munshi_orchestrator.people import identities_of, kept_body
from munshi_orchestrator.reading import Item
from munshi_orchestrator.rulings import Disposition
from munshi_orchestrator.said import IdentityChange, OnlyKept, is_file, kept_of, meaning_of, request_of

WINDOW = timedelta(hours=24)
"""How long after a person's message a business may answer freely."""


@dataclass(frozen=True, slots=True)
class Step:
    """One or more events of one person, to be done together."""

    tenant: Tenant
    items: tuple[Item, ...]
    number: PhoneNumberID
    person: Person
    identities: tuple[Identity, ...]
    said: tuple[Said, ...] = ()
    """What a turn is made of; empty where the events are only kept."""
    kept_as: str = ""
    """Without anything said: the word under which the events are marked."""
    change: IdentityChange | None = None
    effects: tuple[Effect, ...] = ()
    answers: Mapping[MessageID, MediaAnswer] = field(default_factory=dict)
    """What was read of files so far, by message."""
    unread: tuple[tuple[Item, ReadRequest], ...] = ()
    """Files that are to be read before there can be a turn."""

    @property
    def first(self) -> Item:
        """The oldest event."""
        return self.items[0]

    @property
    def message_ids(self) -> tuple[MessageID, ...]:
        """Ids of all events; each is marked as dealt with."""
        return tuple(MessageID(item.envelope.id) for item in self.items)

    @property
    def window_expires_at(self) -> datetime | None:
        """Until when the person may be answered freely; `None` where nothing came from the person itself."""
        times = [
            item.envelope.at or item.envelope.received_at
            for item in self.items
            if item.envelope.kind is Kind.MESSAGE and self.change is None
        ]
        return max(times) + WINDOW if times else None

    def without(self, seen: Sequence[MessageID]) -> "Step | None":
        """The step less the events that were done before; `None` where none is left."""
        if not seen:
            return self
        items = tuple(item for item in self.items if item.envelope.id not in seen)
        return read_step(self.tenant, items, self.answers) if items else None

    def with_answers(self, answers: Mapping[MessageID, MediaAnswer]) -> "Step":
        """The step with what was read of its files."""
        return read_step(self.tenant, self.items, {**self.answers, **answers})

    def marks(self, disposition: str) -> list[Message]:
        """The marks of all events."""
        return [
            Message(
                id=MessageID(item.envelope.id),
                type=_type(item),
                body=kept_body(item.envelope.raw),
                disposition=disposition,
                received_at=item.envelope.received_at,
                sent_at=item.envelope.at,
            )
            for item in self.items
        ]


def read_step(
    tenant: Tenant, items: Sequence[Item], answers: Mapping[MessageID, MediaAnswer] | None = None
) -> Step:
    """Reads the events of a step (at least one); `answers` are what was read of their files.

    Raises:
        Permanent: an event names no person or no number; ingress never lets such a one through.
    """
    envelope = items[-1].envelope
    if envelope.person is None or envelope.phone_number_id is None:
        raise Permanent("an event of a conversation names no person or number", "nobody")
    people = [item.envelope.person for item in items if item.envelope.person is not None]
    common = (tenant, tuple(items), envelope.phone_number_id, envelope.person)
    identities = identities_of(tenant, *people)
    if envelope.kind is Kind.PREFERENCE:
        return Step(*common, identities, kept_as=Disposition.PREFERENCE, effects=_preference(items[-1]))
    known = answers or {}
    parsed = [parse_message(item.envelope.raw) for item in items]
    meanings = [
        meaning_of(
            message,
            MessageID(item.envelope.id),
            item.envelope.at or item.envelope.received_at,
            known.get(MessageID(item.envelope.id)),
        )
        for item, message in zip(items, parsed, strict=True)
    ]
    said = tuple(meaning for meaning in meanings if isinstance(meaning, Said))
    if said:
        unread = tuple(
            (item, request_of(message, tenant.key, envelope.phone_number_id, MessageID(item.envelope.id)))
            for item, message, meaning in zip(items, parsed, meanings, strict=True)
            if isinstance(meaning, Said) and is_file(message) and item.envelope.id not in known
        )
        kept = tuple(effect for one in said if (effect := kept_of(one)) is not None)
        effects = (*kept, *_erased(said))
        return Step(*common, identities, said=said, effects=effects, answers=known, unread=unread)
    match meanings[-1]:
        case IdentityChange() as change:
            after = Person(bsuid=change.new_bsuid, phone=change.new_phone)
            before = Person(bsuid=change.old_bsuid)
            linked = identities_of(tenant, *people, before, after)
            return Step(*common, linked, kept_as=Disposition.IDENTITY, change=change)
        case OnlyKept(why):
            return Step(*common, identities, kept_as=why)
    raise AssertionError(meanings)


def _erased(said: Sequence[Said]) -> tuple[Effect, ...]:
    """A message deleted for everyone takes its file along, whether or not the person is answered."""
    revoked = (one.original for one in said if one.kind is SaidKind.REVOKE)
    return tuple(EraseFile(message_id=original) for original in revoked if original is not None)


def _type(item: Item) -> str:
    kind = item.envelope.raw.get("type")
    return kind if isinstance(kind, str) and kind else item.envelope.kind.value


def _preference(item: Item) -> tuple[Effect, ...]:
    """A wish about marketing is remembered; answers to what the person asks go on."""
    wish = parse_preference(item.envelope.raw)
    value = {"stopped": wish.stopped, "at": (wish.at or item.envelope.received_at).isoformat()}
    return (Remember(key=f"preference:{wish.category or 'unknown'}", value=value),)
