"""Numbers that Meta stopped: paused before another row runs into the same wall, resumed with a new token."""

from datetime import UTC, datetime, timedelta

import structlog

from munshi.contracts.ids import PhoneNumberID, TenantKey
from munshi.db.outbox import Outbox
from munshi.errors import MunshiError
from munshi.registry import Tenant, TenantDirectory
from munshi_orchestrator.passing import PASSING
from munshi_orchestrator.verdicts import Pause

_log = structlog.get_logger()


class Pauses:
    """Pauses of the numbers of one cell."""

    def __init__(self, outbox: Outbox, directory: TenantDirectory, retry_seconds: float) -> None:
        self._outbox = outbox
        self._directory = directory
        self._retry_seconds = retry_seconds
        self._tokens: dict[TenantKey, str] = {}
        """The token under which a tenant was last seen to be paused for its credentials."""

    async def resume(self, tenant: Tenant) -> bool:
        """Lets a paused tenant's numbers go on once for each token: the pause may be of an older one. Whether
        some go on."""
        token = tenant.credentials.access_token.get_secret_value()
        if self._tokens.get(tenant.key) == token:
            return False
        self._tokens[tenant.key] = token
        resumed = await self._outbox.resume_numbers(tenant.key, reason=Pause.CREDENTIALS)
        if resumed:
            _log.info("number_resumed", tenant=tenant.key, numbers=len(resumed))
        return bool(resumed)

    async def pause(self, tenant: Tenant, number: PhoneNumberID, token: str, why: Pause) -> None:
        """Stops a number after a send under `token`; not where the tenant has a newer one by now."""
        until = None
        if why is Pause.CREDENTIALS:
            if self._renewed(tenant.key, token):
                return
            self._tokens[tenant.key] = token
        else:
            until = datetime.now(UTC) + timedelta(seconds=self._retry_seconds)
        try:
            await self._outbox.pause_number(tenant.key, number, why, until)
        except (MunshiError, *PASSING) as error:
            _log.warning("pause_not_written", tenant=tenant.key, reason=str(error))
        if why is Pause.CREDENTIALS and self._renewed(tenant.key, token):
            # The new token came while the pause was being written, and its resumption may have gone before:
            # whoever finds the number paused resumes it once more.
            self._tokens.pop(tenant.key, None)
        _log.error("number_paused", tenant=tenant.key, reason=why)

    def _renewed(self, tenant: TenantKey, token: str) -> bool:
        known = self._directory.get(tenant)
        return known is not None and known.credentials.access_token.get_secret_value() != token
