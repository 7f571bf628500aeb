"""The ways in which a piece of work can fail. A vendor's errors become one of them in its adapter.

What was done before is no failure: it is found, and answered, as an outcome (decision 15).
"""


class MunshiError(Exception):
    """Base of all errors that Munshi raises on purpose."""


class Retryable(MunshiError):
    """May succeed later. `delay` is the least wait in seconds; 0 leaves it to the caller's back-off."""

    def __init__(self, message: str, delay: float = 0.0) -> None:
        super().__init__(message)
        self.delay = delay


class Permanent(MunshiError):
    """Will never succeed as it is. `reason` is a stable word for metrics and dead letters."""

    def __init__(self, message: str, reason: str = "permanent") -> None:
        super().__init__(message)
        self.reason = reason


class UserMistake(MunshiError):
    """Somebody gave something unusable. The message, shown as it is, says what is wrong and what to do."""
