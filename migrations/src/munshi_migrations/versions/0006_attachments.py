"""Attachments of messages, announcements of what takes long, replies as voice notes.

Revision ID: 0006
Revises: 0005

Expand only: two tables, functions added and replaced. A program of 0005 goes on.
"""

from munshi_migrations.scripts import run_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables and replaces the functions; sql/0006 has them."""
    run_sql("0006")


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
