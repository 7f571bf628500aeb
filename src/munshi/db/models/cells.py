"""Whose the rows are, and who works on them: cells, tenants, workers, lanes."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from munshi.db.models.base import EMPTY_OBJECT, NOW, Base


class Cell(Base):
    """An isolation unit: the pool, or one dedicated tenant."""

    __tablename__ = "cells"
    cell: Mapped[str] = mapped_column(primary_key=True)
    role_name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class CellLogin(Base):
    """What PgBouncer must know to let a cell's role in."""

    __tablename__ = "cell_logins"
    cell: Mapped[str] = mapped_column(ForeignKey("cells.cell", ondelete="CASCADE"), primary_key=True)
    verifier: Mapped[str]


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
    books: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
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
