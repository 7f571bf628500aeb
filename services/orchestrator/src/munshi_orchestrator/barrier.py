"""Keeps the order of a person's messages across a change of identity.

Events lie on the bus under the identity by which they came. When a new one turns up (a BSUID beside the
number, a changed number), older events may still wait under the old one, in another lane and perhaps with
another worker. So the first step under a new identity waits until the old subject has nothing older.
"""

from collections.abc import Sequence

from nats.errors import Error as NatsError

from munshi_orchestrator.pending import Pending
from munshi_orchestrator.people import Place
from munshi_orchestrator.reading import Reading

_FIRST_SECONDS = 0.02
_CAP_SECONDS = 1.0


class Barrier:
    """Asks the bus what is pending."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending

    async def passed(self, reading: Reading, places: Sequence[Place], sequence: int) -> None:
        """Waits until nothing older than `sequence` lies on any of the subjects. Only older events are waited
        for, so two that wait for each other cannot be.

        Raises:
            Halted: the reading was given up meanwhile.
        """
        for place in places:
            wait = _FIRST_SECONDS
            while await self._oldest(place.subject) < sequence:
                await reading.sleep(wait)
                wait = min(_CAP_SECONDS, wait * 2)

    async def _oldest(self, subject: str) -> float:
        try:
            found = await self._pending.oldest(subject)
        except (NatsError, TimeoutError):
            # Unknown is taken for pending: the reading is given up anyhow when the bus is away.
            return 0
        return float("inf") if found is None else found.sequence
