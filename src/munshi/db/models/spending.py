"""What language models cost."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Integer, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from munshi.db.models.base import NOW, Base, own_id


class ModelCall(Base):
    """One try of a language model."""

    __tablename__ = "model_calls"
    __table_args__ = (
        CheckConstraint("outcome IN ('begun', 'done', 'failed')"),
        Index("model_calls_age", "tenant", "at"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    month: Mapped[date]
    purpose: Mapped[str]
    model: Mapped[str]
    outcome: Mapped[str]
    estimate: Mapped[Decimal] = mapped_column(Numeric(14, 6))
    prompt_tokens: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    completion_tokens: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    dollars: Mapped[Decimal] = mapped_column(Numeric(14, 6), server_default=text("0"))
    ended_at: Mapped[datetime | None]


class ModelSpend(Base):
    """US dollars of a tenant in a month."""

    __tablename__ = "model_spend"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    dollars: Mapped[Decimal] = mapped_column(Numeric(14, 6), server_default=text("0"))
    set_aside: Mapped[Decimal] = mapped_column(Numeric(14, 6), server_default=text("0"))
