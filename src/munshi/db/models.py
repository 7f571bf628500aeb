"""The tables as SQLAlchemy models: the metadata that migrations are checked against.

`sql/<version>/*.sql` of `munshi_migrations` makes them; a test keeps the two equal. Hot paths do not come by
here. Comments on columns stand in the SQL.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

PENDING = "state IN ('queued', 'sending', 'unsettled')"
"""Rows of the outbox that still hold back later ones of their conversation."""

_NOW = text("now()")
_EMPTY_OBJECT = text("'{}'::jsonb")
_EMPTY_ARRAY = text("'{}'::text[]")


class Vector(UserDefinedType[list[float]]):
    """pgvector's `vector`; its dimension is left open until the embedding model is chosen. Read as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """DDL name."""
        return "vector"


ischema_names["vector"] = Vector


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {  # noqa: RUF012 # SQLAlchemy's own name
        str: Text,
        int: BigInteger,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        bytes: BYTEA,
    }


def _id() -> Mapped[int]:
    return mapped_column(BigInteger, Identity(always=True), primary_key=True)


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "user_id"], ["users.tenant", "users.id"])


class Cell(Base):
    """An isolation unit: the pool, or one dedicated tenant."""

    __tablename__ = "cells"
    cell: Mapped[str] = mapped_column(primary_key=True)
    role_name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class Tenant(Base):
    """A tenant, as far as SQL must know it."""

    __tablename__ = "tenants"
    __table_args__ = (
        CheckConstraint("deleted_at IS NOT NULL OR (cell IS NOT NULL AND role_name IS NOT NULL)"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    cell: Mapped[str | None] = mapped_column(ForeignKey("cells.cell"))
    role_name: Mapped[str | None]
    display_name: Mapped[str]
    assistant: Mapped[str]
    time_zone: Mapped[str]
    books: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY_OBJECT)
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    deleted_at: Mapped[datetime | None]


class Worker(Base):
    """A living replica of the orchestrator in a cell."""

    __tablename__ = "workers"
    cell: Mapped[str] = mapped_column(ForeignKey("cells.cell", ondelete="CASCADE"), primary_key=True)
    worker: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class Lane(Base):
    """One partition of a cell's event stream, and its owner."""

    __tablename__ = "lanes"
    __table_args__ = (UniqueConstraint("cell", "partition"), CheckConstraint("partition >= 0"))
    lane: Mapped[str] = mapped_column(primary_key=True)
    cell: Mapped[str] = mapped_column(ForeignKey("cells.cell", ondelete="CASCADE"))
    partition: Mapped[int] = mapped_column(Integer)
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    worker: Mapped[str | None]
    clean: Mapped[bool] = mapped_column(server_default=text("true"))
    taken_at: Mapped[datetime | None]


class User(Base):
    """A person who writes to a tenant."""

    __tablename__ = "users"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    name: Mapped[str | None]
    language: Mapped[dict[str, Any] | None]
    plan: Mapped[str] = mapped_column(server_default=text("'free'::text"))
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class UserIdentity(Base):
    """A number or BSUID by which a person is known."""

    __tablename__ = "user_identities"
    __table_args__ = (
        _of_user(),
        CheckConstraint("kind IN ('bsuid', 'phone')"),
        Index("user_identities_user", "tenant", "user_id"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    user_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class Conversation(Base):
    """A person on one business number."""

    __tablename__ = "conversations"
    __table_args__ = (
        _of_user(),
        UniqueConstraint("tenant", "user_id", "phone_number_id"),
        CheckConstraint("mode IN ('bot', 'human')"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    phone_number_id: Mapped[str]
    user_id: Mapped[int]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    state: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY_OBJECT)
    language: Mapped[dict[str, Any] | None]
    mode: Mapped[str] = mapped_column(server_default=text("'bot'::text"))
    window_expires_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]
    pair_tat: Mapped[datetime | None]
    throttle_tat: Mapped[datetime | None]
    day: Mapped[date | None]
    day_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    notices: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY_OBJECT)
    last_message_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)


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
    turn_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class LedgerCustomer(Base):
    """A name of a person's books."""

    __tablename__ = "ledger_customers"
    __table_args__ = (UniqueConstraint("tenant", "user_id", "name_key"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    user_id: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(server_default=_EMPTY_ARRAY)
    last_used_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)


Index(
    "ledger_customers_recent",
    LedgerCustomer.tenant,
    LedgerCustomer.user_id,
    LedgerCustomer.last_used_at.desc(),
)


class Transaction(Base):
    """A live row of the books."""

    __tablename__ = "transactions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "customer_id"], ["ledger_customers.tenant", "ledger_customers.id"]),
        UniqueConstraint("tenant", "ref"),
        CheckConstraint("amount > 0"),
        CheckConstraint("category IN ('sale', 'buy', 'credit', 'payment', 'expense')"),
        CheckConstraint("source IN ('text', 'image', 'voice', 'email')"),
        Index("transactions_message", "tenant", "message_id"),
        Index("transactions_day", "tenant", "user_id", "occurred_on"),
        Index("transactions_customer", "tenant", "customer_id", "occurred_on"),
        Index("transactions_youngest", "tenant", "user_id", "id"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    user_id: Mapped[int]
    ref: Mapped[str]
    message_id: Mapped[str]
    customer_id: Mapped[int | None]
    customer_name: Mapped[str | None]
    description: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    currency: Mapped[str]
    category: Mapped[str]
    source: Mapped[str]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=_EMPTY_OBJECT)
    occurred_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class TransactionHistory(Base):
    """What a row of the books was before it was changed or taken back."""

    __tablename__ = "transaction_history"
    __table_args__ = (
        CheckConstraint("action IN ('amend', 'remove')"),
        Index("transaction_history_transaction", "tenant", "transaction_id"),
        Index("transaction_history_user", "tenant", "user_id"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    user_id: Mapped[int]
    transaction_id: Mapped[int]
    ref: Mapped[str]
    action: Mapped[str]
    before: Mapped[dict[str, Any]]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=_NOW)


class TransactionMessage(Base):
    """A message that changed an entry, beside the one that made it."""

    __tablename__ = "transaction_messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "transaction_id"], ["transactions.tenant", "transactions.id"], ondelete="CASCADE"
        ),
        Index("transaction_messages_transaction", "tenant", "transaction_id"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(primary_key=True)


class Memory(Base):
    """A fact kept for a person across turns and days."""

    __tablename__ = "memory"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    embedding: Mapped[list[float] | None] = mapped_column(Vector)
    updated_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class OutboxRow(Base):
    """A message of ours: to be sent, or sent, and what became of it."""

    __tablename__ = "outbox"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "conversation_id"], ["conversations.tenant", "conversations.id"]),
        CheckConstraint(
            "state IN ('queued', 'sending', 'unsettled', 'sent', 'delivered', 'read', 'failed', 'dead')"
        ),
        Index("outbox_wamid", "tenant", "wamid", unique=True, postgresql_where=text("wamid IS NOT NULL")),
        Index("outbox_conversation", "tenant", "conversation_id", "id"),
        Index("outbox_pending", "tenant", "conversation_id", "id", postgresql_where=text(PENDING)),
        Index("outbox_age", "tenant", "created_at"),
        Index(
            "outbox_pending_of_lane",
            "lane",
            "tenant",
            "conversation_id",
            "id",
            postgresql_where=text(PENDING),
        ),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    conversation_id: Mapped[int]
    user_id: Mapped[int]
    phone_number_id: Mapped[str]
    lane: Mapped[str]
    reply_to: Mapped[str | None]
    answers: Mapped[list[str]] = mapped_column(server_default=_EMPTY_ARRAY)
    body: Mapped[dict[str, Any] | None]
    state: Mapped[str] = mapped_column(server_default=text("'queued'::text"))
    past_opt_out: Mapped[bool] = mapped_column(server_default=text("false"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    fence: Mapped[int | None]
    wamid: Mapped[str | None]
    error_code: Mapped[int | None] = mapped_column(Integer)
    error_detail: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    sending_at: Mapped[datetime | None]
    unsettled_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class MessageCost(Base):
    """What Meta charges for a message."""

    __tablename__ = "message_costs"
    __table_args__ = (Index("message_costs_at", "tenant", "at"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    wamid: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    outbox_id: Mapped[int | None]
    pricing_model: Mapped[str | None]
    type: Mapped[str | None]
    billable: Mapped[bool | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
    at: Mapped[datetime]


class Number(Base):
    """A business number: its throughput, and whether it is paused."""

    __tablename__ = "numbers"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    phone_number_id: Mapped[str] = mapped_column(primary_key=True)
    tat: Mapped[datetime | None]
    paused_reason: Mapped[str | None]
    paused_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]


class DeadLetter(Base):
    """What failed for good."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint("tenant", "source", "key"),
        CheckConstraint("source IN ('ingress', 'turn', 'send')"),
        Index("dead_letters_age", "tenant", "created_at"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = _id()
    source: Mapped[str]
    key: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default=text("''::text"))
    payload: Mapped[dict[str, Any]]
    message_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    replayed_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]


class Usage(Base):
    """Entries of a tenant in a month, over 16 counters."""

    __tablename__ = "usage"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    transactions: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class TurnAttempt(Base):
    """Failed tries of a message."""

    __tablename__ = "turn_attempts"
    __table_args__ = (Index("turn_attempts_age", "tenant", "updated_at"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_error: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=_NOW)
