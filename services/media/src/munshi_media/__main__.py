"""`python -m munshi_media`."""

from munshi_media.main import run

run()
