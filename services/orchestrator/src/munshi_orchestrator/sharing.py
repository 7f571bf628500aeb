"""Who should own which lanes: pure arithmetic, the same on every worker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from munshi.contracts.ids import LaneID


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane as the database shows it to this worker."""

    lane: LaneID
    partition: int
    free: bool
    """No live worker owns it; or its owner bears this worker's name, but is not this process."""


def fair_share(lanes: int, workers: Iterable[str], me: str) -> int:
    """How many lanes `me` should own. The shares of all live workers add up to `lanes`.

    The workers' names decide who gets one more, so that all workers compute the same without talking.
    """
    names = sorted({*workers, me})
    base, extra = divmod(lanes, len(names))
    return base + (1 if names.index(me) < extra else 0)


def to_take(views: Sequence[LaneView], held: int, share: int) -> list[LaneView]:
    """Free lanes to take now: no more than bring this worker to its share."""
    return [view for view in views if view.free][: max(0, share - held)]


def to_release(held: Sequence[int], share: int) -> list[int]:
    """Partitions to hand over: the highest ones above the share, so that most stay where they are."""
    return sorted(held)[share:]
