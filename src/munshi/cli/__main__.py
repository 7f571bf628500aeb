"""`python -m munshi.cli`."""

from munshi.cli.main import run

run()
