"""Entries know the messages that changed them, replies the messages that they answer.

Revision ID: 0002
Revises: 0001

Expand only, while the platform runs. Tables and functions come first, in a transaction of their own: a new
table, a column with a constant default, functions replaced; each takes its locks for milliseconds. Then
`outbox.answers` of older rows is filled in from `reply_to`, in short transactions. Broken off in between, it
runs again from the start and finds what is done.
"""

from alembic import op

from munshi_migrations.scripts import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BATCH = 5_000
"""Rows a transaction: some 100 ms, so that no turn waits longer for one of them."""

_FILL_IN = """
WITH batch AS (
    SELECT o.tenant, o.id FROM outbox o
    WHERE (o.tenant, o.id) > ($1::text, $2::bigint) AND o.answers = '{}' AND o.reply_to IS NOT NULL
    ORDER BY o.tenant, o.id LIMIT $3::integer
    FOR NO KEY UPDATE),
filled AS (
    UPDATE outbox o SET answers = ARRAY[o.reply_to] FROM batch b WHERE o.tenant = b.tenant AND o.id = b.id)
SELECT b.tenant, b.id FROM batch b ORDER BY b.tenant DESC, b.id DESC LIMIT 1
"""


def upgrade() -> None:
    """Adds the table and the column, replaces the functions, fills in the column."""
    run_sql("0002")
    with op.get_context().autocommit_block():
        last: tuple[str, int] | None = ("", 0)
        while last is not None:
            row = op.get_bind().exec_driver_sql(_FILL_IN, (*last, BATCH)).fetchone()
            last = (row[0], row[1]) if row else None


def downgrade() -> None:
    """There is no way back: a version only adds."""
    raise RuntimeError("going back is not supported; restore a backup")
