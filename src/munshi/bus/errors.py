"""How the bus can fail. What is `Retryable` passes: the work is tried again, nothing is lost."""

from munshi.errors import Permanent, Retryable


class BusAway(Retryable):
    """No server, no stream, or no answer in time. What was sent may have been kept all the same."""


class BusFull(Retryable):
    """The stream or the account has no room left; the message was refused."""


class BusBusy(Retryable):
    """More waits for its acknowledgement than may wait; nothing was sent."""


class BusRefused(Permanent):
    """A message is larger than the bus takes: it will never be kept as it is."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "too_large")
