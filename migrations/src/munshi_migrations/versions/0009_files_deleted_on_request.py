"""Files that are deleted on request, and what an undo keeps of an entry.

Revision ID: 0009
Revises: 0008

Expand only: a table, a column, functions added and replaced. A program of 0008 goes on.
"""

from munshi_migrations.scripts import run_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds table, column and functions; sql/0009 has them."""
    run_sql("0009")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
