"""Answers of the understanding that are kept: the same text on the same day is read once in a process."""

from cachebox import LRUCache

from munshi.contracts.media import EngineInfo
from munshi.contracts.understanding import Request, Understander, Understanding

KEPT = 20_000
"""Answers of about 1 kB: 20 MB at most. A shop's phrases come again and again, its names and sums do not."""
_LONGEST = 200
"""Characters of a text that may come again; a longer one is not kept."""


class KeptAnswers:
    """An engine whose answers are kept in memory, the one that was not asked for longest dropped first.

    The whole request is the key: a masked answer is never given where none was asked for, nor the other way
    round. An answer that no engine could give (confidence 0) is not kept.
    """

    def __init__(self, engine: Understander, info: EngineInfo, size: int = KEPT) -> None:
        self.engine = engine
        self._info = info
        self._kept: LRUCache[tuple[object, ...], Understanding] = LRUCache(size)

    def info(self) -> EngineInfo:
        """Of the engine."""
        told = getattr(self.engine, "info", None)
        return told() if told is not None else self._info

    async def check(self) -> None:
        """As the engine, where it has something to find out."""
        check = getattr(self.engine, "check", None)
        if check is not None:
            await check()

    async def close(self) -> None:
        """As the engine, where it has something to end."""
        close = getattr(self.engine, "close", None)
        if close is not None:
            await close()

    async def understand(self, request: Request) -> Understanding:
        """As the engine."""
        key = (request.text, request.today, request.currency, request.assistant, request.mask)
        known = self._kept.get(key)
        if known is not None:
            return known
        answer = await self.engine.understand(request)
        if answer.confidence > 0 and len(request.text) <= _LONGEST:
            self._kept[key] = answer
        return answer
