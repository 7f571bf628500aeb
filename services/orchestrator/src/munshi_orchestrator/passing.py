"""Errors that pass by themselves: whatever meets one waits and tries again."""

from munshi.errors import Retryable

PASSING = (Retryable,)
"""What is away or busy."""


def delay_of(error: Exception) -> float:
    """The least wait in seconds that the error asks for; 0 leaves it to the caller."""
    return error.delay if isinstance(error, Retryable) else 0.0
