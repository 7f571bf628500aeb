"""The Ledger's books: customers, entries, their history and their messages."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from munshi.db.models.base import EMPTY_ARRAY, EMPTY_OBJECT, NOW, Base, own_id


class LedgerCustomer(Base):
    """A name of a person's books."""

    __tablename__ = "ledger_customers"
    __table_args__ = (UniqueConstraint("tenant", "user_id", "name_key"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    user_id: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(server_default=EMPTY_ARRAY)
    last_used_at: Mapped[datetime] = mapped_column(server_default=NOW)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


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
    id: Mapped[int] = own_id()
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
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=EMPTY_OBJECT)
    occurred_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TransactionHistory(Base):
    """What a row of the books was before it was changed or taken back."""

    __tablename__ = "transaction_history"
    __table_args__ = (
        CheckConstraint("action IN ('amend', 'remove')"),
        Index("transaction_history_transaction", "tenant", "transaction_id"),
        Index("transaction_history_user", "tenant", "user_id"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = own_id()
    user_id: Mapped[int]
    transaction_id: Mapped[int]
    ref: Mapped[str]
    action: Mapped[str]
    before: Mapped[dict[str, Any]]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=NOW)


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
