"""A clock that is set back holds nothing up.

Revision ID: 0004
Revises: 0003

Expand only: a column without a default, and functions replaced; same names, same JSON in and out.
"""

from munshi_migrations.scripts import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column and replaces the functions; sql/0004 has them."""
    run_sql("0004")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
