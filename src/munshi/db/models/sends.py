"""What goes out: the outbox, its costs, the numbers that it goes by."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from munshi.db.models.base import EMPTY_ARRAY, NOW, Base, own_id

PENDING = "state IN ('queued', 'sending', 'unsettled')"
"""Rows of the outbox that still hold back later ones of their conversation."""


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
    id: Mapped[int] = own_id()
    conversation_id: Mapped[int]
    user_id: Mapped[int]
    phone_number_id: Mapped[str]
    lane: Mapped[str]
    reply_to: Mapped[str | None]
    answers: Mapped[list[str]] = mapped_column(server_default=EMPTY_ARRAY)
    body: Mapped[dict[str, Any] | None]
    state: Mapped[str] = mapped_column(server_default=text("'queued'::text"))
    past_opt_out: Mapped[bool] = mapped_column(server_default=text("false"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    fence: Mapped[int | None]
    wamid: Mapped[str | None]
    error_code: Mapped[int | None] = mapped_column(Integer)
    error_detail: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
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
    reserved_at: Mapped[datetime | None]
    paused_reason: Mapped[str | None]
    paused_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]
