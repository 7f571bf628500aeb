"""Runs the SQL files of a version inside its transaction."""

from importlib.resources import files

from alembic import op


def run_sql(version: str) -> None:
    """Runs `sql/<version>/*.sql` in the order of their names."""
    folder = files("munshi_migrations") / "sql" / version
    for script in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if script.name.endswith(".sql"):
            _run_script(script.read_text(encoding="utf-8"))


def _run_script(sql: str) -> None:
    # The driver's own execute takes many statements at once; SQLAlchemy prepares and takes one. It has begun
    # the transaction already, with alembic's first statement, but is asked for one here so that this holds.
    connection = op.get_bind()
    connection.exec_driver_sql("SELECT 1")
    adapted = connection.connection.dbapi_connection
    if adapted is None:
        raise RuntimeError("the migration's connection is closed")
    adapted.run_async(lambda driver: driver.execute(sql))
