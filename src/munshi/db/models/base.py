"""What all tables share: the base, types, defaults and columns."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKeyConstraint, Identity, Text, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

NOW = text("now()")
EMPTY_OBJECT = text("'{}'::jsonb")
EMPTY_ARRAY = text("'{}'::text[]")


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


def own_id() -> Mapped[int]:
    """The column `id`: given by the database."""
    return mapped_column(BigInteger, Identity(always=True), primary_key=True)


def of_user() -> ForeignKeyConstraint:
    """The row belongs to a user of the same tenant."""
    return ForeignKeyConstraint(["tenant", "user_id"], ["users.tenant", "users.id"])
