"""How the bus can fail. All of it passes: the work is tried again, nothing is lost."""

from munshi.errors import Retryable


class BusAway(Retryable):
    """No server, no stream, or no answer in time. What was sent may have been kept all the same."""


class BusFull(Retryable):
    """The stream or the account has no room left; the message was refused."""


class BusBusy(Retryable):
    """More is waiting for its acknowledgement than may wait; nothing was sent."""
