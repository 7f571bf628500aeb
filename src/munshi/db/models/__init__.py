"""The tables as SQLAlchemy models: the metadata that migrations are checked against.

`sql/<version>/*.sql` of `munshi_migrations` makes them; a test keeps the two equal. Hot paths do not come by
here. Comments on columns stand in the SQL.
"""

from munshi.db.models.base import Base, Vector
from munshi.db.models.books import LedgerCustomer, Transaction, TransactionHistory, TransactionMessage
from munshi.db.models.cells import Cell, CellLogin, Lane, Tenant, Worker
from munshi.db.models.people import (
    Announcement,
    Attachment,
    Conversation,
    InboundMessage,
    Memory,
    User,
    UserIdentity,
)
from munshi.db.models.sends import PENDING, MessageCost, Number, OutboxRow
from munshi.db.models.spending import ModelCall, ModelSpend
from munshi.db.models.upkeep import DeadLetter, Erasure, TrainingSample, TurnAttempt, Usage

__all__ = [
    "PENDING",
    "Announcement",
    "Attachment",
    "Base",
    "Cell",
    "CellLogin",
    "Conversation",
    "DeadLetter",
    "Erasure",
    "InboundMessage",
    "Lane",
    "LedgerCustomer",
    "Memory",
    "MessageCost",
    "ModelCall",
    "ModelSpend",
    "Number",
    "OutboxRow",
    "Tenant",
    "TrainingSample",
    "Transaction",
    "TransactionHistory",
    "TransactionMessage",
    "TurnAttempt",
    "Usage",
    "User",
    "UserIdentity",
    "Vector",
    "Worker",
]
