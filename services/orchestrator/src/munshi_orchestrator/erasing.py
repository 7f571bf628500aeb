"""Has files deleted that somebody asked to be rid of, or whose message was deleted for everyone.

What is to be deleted stands in the database until the media service has done it, so nothing of it is lost
whoever is away or killed meanwhile; deleting twice is fine.
"""

import asyncio

import structlog

from munshi.contracts.media import DeleteRequest, Verb
from munshi.db.erasures import Due, Erasures
from munshi.errors import MunshiError
from munshi_orchestrator.media import MediaAway, MediaClient
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.passing import PASSING

_log = structlog.get_logger()

_AT_ONCE = 50


class Erasing:
    """Works off the erasures of a cell."""

    def __init__(
        self, erasures: Erasures, media: MediaClient, every_seconds: float, metrics: Metrics
    ) -> None:
        self._erasures = erasures
        self._media = media
        self._every = every_seconds
        self._metrics = metrics

    async def run(self) -> None:
        """Looks for what is due every so often, until cancelled."""
        while True:
            try:
                due = await self._erasures.take(_AT_ONCE)
                for one in due:
                    await self._erase(one)
            except (MunshiError, *PASSING) as error:
                _log.warning("erasures_wait", reason=str(error))
                due = []
            if len(due) < _AT_ONCE:
                await asyncio.sleep(self._every)

    async def _erase(self, due: Due) -> None:
        request = DeleteRequest(tenant=due.tenant, message_ids=(due.message_id,))
        who = {"tenant": due.tenant, "message_id": due.message_id}
        try:
            await self._media.ask(Verb.DELETE, request)
        except MediaAway as error:
            self._metrics.retries.labels("erasure", error.reason).inc()
            _log.warning("file_not_erased_yet", **who, tries=due.tries, reason=error.reason)
            return
        if await self._erasures.end(due):
            _log.info("file_erased", **who)
