"""What language models cost each tenant, and its budget.

Revision ID: 0007
Revises: 0006

Expand only: two tables and their functions.
"""

from munshi_migrations.scripts import run_sql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds tables and functions; sql/0007 has them."""
    run_sql("0007")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
