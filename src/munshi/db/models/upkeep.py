"""What went wrong, what was used, what is learnt from, what is to be deleted: dead letters, tries,
usage, training samples, erasures."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, Numeric, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from munshi.db.models.base import EMPTY_ARRAY, NOW, Base, own_id


class DeadLetter(Base):
    """What failed for good."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint("tenant", "source", "key"),
        CheckConstraint("source IN ('ingress', 'turn', 'send')"),
        Index("dead_letters_age", "tenant", "created_at"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    source: Mapped[str]
    key: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default=text("''::text"))
    payload: Mapped[dict[str, Any]]
    message_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    replayed_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]


class TrainingSample(Base):
    """A masked sentence of a tenant that consents."""

    __tablename__ = "training_samples"
    __table_args__ = (
        CheckConstraint("outcome IN ('kept', 'corrected', 'undone', 'dropped')"),
        Index("training_samples_age", "tenant", "created_at"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    created_at: Mapped[datetime]
    text: Mapped[str]
    intent: Mapped[str]
    confidence: Mapped[Decimal] = mapped_column(Numeric(4, 3))
    category: Mapped[str | None]
    language: Mapped[str]
    script: Mapped[str]
    outcome: Mapped[str]
    changed: Mapped[list[str]] = mapped_column(server_default=EMPTY_ARRAY)


class Erasure(Base):
    """A message whose file is to be deleted, or was."""

    __tablename__ = "erasures"
    __table_args__ = (
        Index("erasures_age", "tenant", "asked_at"),
        Index("erasures_waiting", "next_try_at", postgresql_where=text("done_at IS NULL")),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    tries: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_try_at: Mapped[datetime] = mapped_column(server_default=NOW)
    done_at: Mapped[datetime | None]


class TurnAttempt(Base):
    """Failed tries of a message."""

    __tablename__ = "turn_attempts"
    __table_args__ = (Index("turn_attempts_age", "tenant", "updated_at"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_error: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Usage(Base):
    """Entries of a tenant in a month, over 16 counters."""

    __tablename__ = "usage"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    transactions: Mapped[int] = mapped_column(Integer, server_default=text("0"))
