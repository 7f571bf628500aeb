"""Names of things, as types, so that one cannot be given for another."""

from typing import NewType

TenantKey = NewType("TenantKey", str)
"""`namespace_name` of a `WhatsAppTenant`; a legal path segment, subject token and column value."""

CellName = NewType("CellName", str)
"""An isolation unit: `pool`, or the key of a dedicated tenant. It has a NATS account and a Postgres role."""

PhoneNumberID = NewType("PhoneNumberID", str)
"""Meta's id of a business's own WhatsApp number (not the number itself)."""

MessageID = NewType("MessageID", str)
"""Meta's id of one message, `wamid.…`."""

ConversationKey = NewType("ConversationKey", str)
"""Keyed hash of a business number and a person on it: 26 characters of base32, safe as a subject token."""

LaneID = NewType("LaneID", str)
"""One partition of a cell's event stream: `cell/07`. A lane has one owner at a time."""

OutboxID = NewType("OutboxID", int)
"""Identity of one row of the outbox; travels to Meta as `biz_opaque_callback_data`."""
