"""Alembic's entry. `munshi_migrations.schema` gives the connection; nothing is read from the environment."""

from alembic import context
from sqlalchemy import text

from munshi.db.models import Base
from munshi_migrations.schema import refuse_newer, require_owner

LOCK_TIMEOUT = "3s"
"""A migration that must wait longer for a table gives up: behind it every turn would wait as well."""

STATEMENT_TIMEOUT = "60s"
"""A statement that takes longer belongs into batches."""

connection = context.config.attributes["connection"]
# For the session: each version is a transaction of its own. The owner owns what a version makes, since
# nobody logs in as the owner.
require_owner(connection)
refuse_newer(connection)
connection.execute(text("SET ROLE munshi_owner"))
connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
connection.commit()

context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
