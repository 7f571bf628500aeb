"""Memory that is found by likeness: vectors of facts, and indexes over them.

Revision ID: 0008
Revises: 0007

Expand only: a column, indexes, functions replaced. The indexes are made on a table that has no vectors yet.
"""

from munshi_migrations.scripts import run_sql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds column, indexes and functions; sql/0008 has them."""
    run_sql("0008")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
