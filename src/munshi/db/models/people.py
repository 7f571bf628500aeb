"""Who writes, and what they said: users, identities, conversations, messages, memory."""

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, Index, Integer, Table, UniqueConstraint, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from munshi.db.models.base import EMPTY_OBJECT, NOW, Base, Vector, of_user, own_id


class User(Base):
    """A person who writes to a tenant."""

    __tablename__ = "users"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    name: Mapped[str | None]
    language: Mapped[dict[str, Any] | None]
    plan: Mapped[str] = mapped_column(server_default=text("'free'::text"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class UserIdentity(Base):
    """A number or BSUID by which a person is known."""

    __tablename__ = "user_identities"
    __table_args__ = (
        of_user(),
        CheckConstraint("kind IN ('bsuid', 'phone')"),
        Index("user_identities_user", "tenant", "user_id"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    user_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Conversation(Base):
    """A person on one business number."""

    __tablename__ = "conversations"
    __table_args__ = (
        of_user(),
        UniqueConstraint("tenant", "user_id", "phone_number_id"),
        CheckConstraint("mode IN ('bot', 'human')"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    phone_number_id: Mapped[str]
    user_id: Mapped[int]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    state: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    language: Mapped[dict[str, Any] | None]
    mode: Mapped[str] = mapped_column(server_default=text("'bot'::text"))
    window_expires_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]
    pair_tat: Mapped[datetime | None]
    throttle_tat: Mapped[datetime | None]
    day: Mapped[date | None]
    day_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    notices: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    last_message_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class InboundMessage(Base):
    """The mark that a message was dealt with."""

    __tablename__ = "inbound_messages"
    __table_args__ = (
        Index("inbound_messages_conversation", "tenant", "conversation_id", "turn_at"),
        Index("inbound_messages_age", "tenant", "turn_at"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[int | None]
    type: Mapped[str]
    body: Mapped[dict[str, Any] | None]
    disposition: Mapped[str]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    turn_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Attachment(Base):
    """What came with a message, and what was read of it."""

    __tablename__ = "attachments"
    __table_args__ = (
        Index("attachments_age", "tenant", "created_at"),
        Index("attachments_sha256", "tenant", "sha256"),
        Index(
            "attachments_invoice_no",
            "tenant",
            "invoice_no",
            postgresql_where=text("invoice_no IS NOT NULL"),
        ),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    object_key: Mapped[str | None]
    sha256: Mapped[str]
    mime_type: Mapped[str]
    size: Mapped[int]
    text: Mapped[str | None]
    reading: Mapped[dict[str, Any] | None]
    invoice_no: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Announcement(Base):
    """That a person was told that a message takes long."""

    __tablename__ = "announcements"
    __table_args__ = (Index("announcements_age", "tenant", "created_at"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Memory(Base):
    """A fact kept for a person across turns and days."""

    __tablename__ = "memory"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    embedding: Mapped[list[float] | None] = mapped_column(Vector)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    model: Mapped[str | None]
    message_id: Mapped[str | None]


LIKE_LENGTHS = (128, 384, 768, 1024, 1536)
"""Lengths of vectors that are indexed: those of the models that are supported."""
for _n in LIKE_LENGTHS:
    Index(
        f"memory_like_{_n}",
        literal_column(f"(embedding::halfvec({_n}))").label("halved"),
        postgresql_using="hnsw",
        postgresql_ops={"halved": "halfvec_cosine_ops"},
        postgresql_where=text(f"vector_dims(embedding) = {_n}"),
        _table=cast("Table", Memory.__table__),
    )
