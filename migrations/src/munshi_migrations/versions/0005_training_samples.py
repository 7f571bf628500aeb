"""Sentences kept as training material, with a tenant's consent.

Revision ID: 0005
Revises: 0004

Expand only: a table, a trigger on `tenants` for the withdrawal of consent, functions replaced.
"""

from munshi_migrations.scripts import run_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table and replaces the functions; sql/0005 has them."""
    run_sql("0005")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
