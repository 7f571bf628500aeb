"""Voice notes: what a reply that is to be spoken is sent as.

It is spoken before its row is claimed, so a crash meanwhile leaves the row as it was; and within a few
seconds, else its text goes out.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from munshi.contracts.ids import PhoneNumberID, TenantKey
from munshi.contracts.media import Verb, VoiceRequest
from munshi_orchestrator.media import MediaAway, MediaClient
from munshi_orchestrator.metrics import Metrics
from munshi_orchestrator.payloads import as_sound, as_text

_log = structlog.get_logger()


class Speaking:
    """Has replies spoken by the media service of a cell."""

    def __init__(self, media: MediaClient, seconds: float, metrics: Metrics) -> None:
        self._media = media
        self._seconds = seconds
        self._metrics = metrics

    async def body(self, tenant: TenantKey, number: PhoneNumberID, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body to send in place of one that `payloads.body_of` marked as to be spoken. Never raises."""
        voice = body["voice"]
        request = VoiceRequest(
            tenant=tenant, phone_number_id=number, text=voice["text"], language=voice["language"]
        )
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._media.ask(Verb.VOICE, request)
        except (MediaAway, TimeoutError) as error:
            reason = error.reason if isinstance(error, MediaAway) else "too_slow"
            return self._written(tenant, body, reason)
        if answer.media_id is None:
            reason = answer.refused.value if answer.refused else "no_media_id"
            return self._written(tenant, body, reason, answer.detail)
        self._metrics.spoken.labels("spoken").inc()
        return as_sound(body, answer.media_id)

    def _written(
        self, tenant: TenantKey, body: Mapping[str, Any], reason: str, detail: str = ""
    ) -> dict[str, Any]:
        """`detail` is for the operator: of a missing engine, the one step that adds it."""
        self._metrics.spoken.labels("written").inc()
        _log.info("reply_not_spoken", tenant=tenant, reason=reason, detail=detail)
        return as_text(body)
