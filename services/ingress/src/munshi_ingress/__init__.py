"""Keeps every webhook before it answers 200."""
