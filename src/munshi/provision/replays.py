"""How a dead letter goes its way again: as a message on the bus, or as a webhook. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from munshi.contracts.events import HEADER_ID, Envelope
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import ACCOUNT_CONVERSATION, inbound, partition_of
from munshi.db.dead_letters import Replay
from munshi.sealing import conversation_key


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tenant is served now."""

    cell: CellName
    partitions: int
    lookup_key: bytes
    """The tenant's, by which its conversations are named."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published."""

    subject: str
    body: bytes
    headers: dict[str, str]


def message_of(tenant: TenantKey, taken: Replay, place: Place, moment: int) -> Message:
    """The message of a letter of the source `turn`; `moment` makes its id another one than before."""
    envelope = Envelope.model_validate(taken.payload)
    conversation = ACCOUNT_CONVERSATION
    if envelope.person is not None:
        number, person = envelope.phone_number_id or "", envelope.person
        conversation = conversation_key(place.lookup_key, number, person.bsuid, person.phone)
    lane = partition_of(conversation, place.partitions)
    # A new id: the first one may still be within the stream's window of duplicates.
    headers = {HEADER_ID: f"{tenant}:{envelope.id}:replay-{taken.id}-{moment}"}
    subject = inbound(place.cell, tenant, lane, conversation)
    return Message(subject, envelope.model_dump_json().encode(), headers)


def webhook_of(payload: Mapping[str, str], app_secret: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a letter of the source `ingress`, signed as Meta does."""
    body = payload["body"].encode() if payload.get("encoding", "utf-8") == "utf-8" else b""
    if payload.get("encoding") == "base64":
        body = base64.b64decode(payload["body"])
    signature = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
