"""PgBouncer may ask for the verifiers of the cells' roles.

Revision ID: 0003
Revises: 0002

Expand only: a table and a function that nothing older uses.
"""

from munshi_migrations.scripts import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds both; sql/0003 has them."""
    run_sql("0003")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
