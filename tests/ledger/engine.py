"""The real engine of understanding, by its entry point, loaded once."""

from functools import cache
from importlib.metadata import entry_points

from munshi.contracts.understanding import Understander


@cache
def real_engine() -> Understander:
    """The engine `nlu`."""
    (found,) = entry_points(group="munshi.engines", name="nlu")
    engine: Understander = found.load()()
    return engine
