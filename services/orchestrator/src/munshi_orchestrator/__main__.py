"""`python -m munshi_orchestrator`."""

from munshi_orchestrator.main import run

run()
