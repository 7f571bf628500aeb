"""Inbound messages as typed values, one frozen class for each of Meta's types.

Each keeps `raw`, the element as it came, so that fields unknown to us are at hand. A field that Meta left out
is `None` or empty: nothing but `raw` is certain to be there.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from munshi.contracts.ids import MessageID

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What a message refers to: the message that it quotes, or that it was forwarded."""

    message_id: MessageID | None = None
    """The quoted message. A template's quick reply may lack it."""
    sender: str | None = None
    """Phone number of the quoted message's sender."""
    sender_user_id: str | None = None
    """BSUID of the quoted message's sender."""
    forwarded: bool = False
    frequently_forwarded: bool = False
    product: Raw | None = None
    """`referred_product` of a question asked from a product page."""


@dataclass(frozen=True, slots=True)
class Referral:
    """The advertisement or post from which the person came."""

    source_type: str | None
    source_id: str | None
    source_url: str | None
    headline: str
    body: str
    click_id: str | None
    """`ctwa_clid`."""
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What every type has."""

    kind: ClassVar[str] = "unknown"
    """Meta's word for the type."""

    id: MessageID | None
    sender: str | None
    """`from`: the number in digits; absent where the person shows only a BSUID."""
    sender_user_id: str | None
    """`from_user_id`: the BSUID."""
    group_id: str | None
    at: datetime | None
    context: Context | None
    referral: Referral | None
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Message):
    """Plain text."""

    kind: ClassVar[str] = "text"
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(Message):
    """What all media have; the bytes are fetched by `media_id` within 7 days."""

    media_id: str | None
    mime_type: str | None
    sha256: str | None
    url: str | None
    """Given in the webhook by newer versions; lives five minutes."""
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Media):
    """A picture, jpeg or png."""

    kind: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(Media):
    """A sound file or a voice note."""

    kind: ClassVar[str] = "audio"
    voice: bool
    """A voice note, recorded in the chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Media):
    """A film."""

    kind: ClassVar[str] = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Media):
    """A file of any kind."""

    kind: ClassVar[str] = "document"
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticker(Media):
    """A sticker, still or moving."""

    kind: ClassVar[str] = "sticker"
    animated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Location(Message):
    """A place, in degrees."""

    kind: ClassVar[str] = "location"
    latitude: float | None
    longitude: float | None
    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts(Message):
    """Contact cards, each as it came."""

    kind: ClassVar[str] = "contacts"
    cards: tuple[Raw, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonReply(Message):
    """A reply button of an interactive message was pressed."""

    kind: ClassVar[str] = "interactive.button_reply"
    button_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReply(Message):
    """A row of a list was chosen."""

    kind: ClassVar[str] = "interactive.list_reply"
    row_id: str
    title: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReply(Message):
    """A flow was completed (`nfm_reply`)."""

    kind: ClassVar[str] = "interactive.nfm_reply"
    name: str
    body: str
    response: Raw
    """`response_json`, read; empty where it is no JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPermissionReply(Message):
    """The person allowed or refused to be called."""

    kind: ClassVar[str] = "interactive.call_permission_reply"
    accepted: bool
    permanent: bool
    expires_at: datetime | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateButton(Message):
    """A quick reply button of a template was pressed. May lack `context`."""

    kind: ClassVar[str] = "button"
    payload: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Message):
    """A reaction to a message, or its removal."""

    kind: ClassVar[str] = "reaction"
    target: MessageID | None
    emoji: str
    """Empty: the reaction was taken back."""

    @property
    def removed(self) -> bool:
        """Whether a reaction was taken back."""
        return not self.emoji


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Message):
    """A cart sent from a catalogue."""

    kind: ClassVar[str] = "order"
    catalog_id: str | None
    text: str
    items: tuple[Raw, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Message):
    """Something about the person, not said by them: above all a changed number. No `contacts` beside it."""

    kind: ClassVar[str] = "system"
    change: str
    """`user_changed_number`, `customer_identity_changed`, `user_changed_user_id`, …"""
    body: str
    new_phone: str | None
    """`wa_id`, or `new_wa_id` in older versions: the number from now on."""
    new_user_id: str | None
    """The BSUID from now on; it is made anew with the number."""
    old_user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported(Message):
    """Something that the Cloud API does not carry, such as a poll (error 131051)."""

    kind: ClassVar[str] = "unsupported"
    code: int | None
    title: str
    details: str
    subtype: str
    """`unsupported.type`, where given: `poll`, `edit`, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Message):
    """An earlier message was changed. `message` is it as it reads now, with the id and sender of the edit."""

    kind: ClassVar[str] = "edit"
    original: MessageID | None
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke(Message):
    """An earlier message was deleted for everyone."""

    kind: ClassVar[str] = "revoke"
    original: MessageID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Message):
    """A type of the future, or one whose own part is missing or of the wrong shape."""

    type: str
