"""Errors that pass by themselves: whatever meets one waits and tries again."""

import asyncpg

from munshi.errors import Retryable

PASSING = (Retryable, asyncpg.InternalClientError)
"""What is away or busy. The driver's internal error is what a statement gets whose connection breaks while
it is being prepared (asyncpg 0.32, seen when PostgreSQL is killed under load)."""


def delay_of(error: Exception) -> float:
    """The least wait in seconds that the error asks for; 0 leaves it to the caller."""
    return error.delay if isinstance(error, Retryable) else 0.0
