"""First schema: tenants, people, turns, the ledger, the outbox.

Revision ID: 0001
Revises:
"""

from munshi_migrations.scripts import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes everything; sql/0001 has it."""
    run_sql("0001")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
