"""${message}.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from munshi_migrations.scripts import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Says what it changes, and how that is safe while the platform runs."""
    run_sql(revision)


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
