"""`python -m munshi_ingress`."""

from munshi_ingress.main import run

run()
