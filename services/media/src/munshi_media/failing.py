"""How a request fails, and what its asker is told: one table."""

from pydantic import ValidationError

from munshi.contracts.media import MediaAnswer, MediaFailure, Refusal
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import FileRefused
from munshi.objects import ObjectMissing

META_AWAY = "meta_away"
STORE_AWAY = "store_away"
ENGINE_AWAY = "engine_away"
CREDENTIALS = "credentials"
BUSY = "busy"
UNKNOWN_TENANT = "unknown_tenant"
BAD_REQUEST = "bad_request"
DISK = "disk"
DEFECT = "defect"


class NotNow(Retryable):
    """May be asked again. `reason` is the stable word that the asker gets."""

    def __init__(self, reason: str, message: str, delay: float = 1.0) -> None:
        super().__init__(message, delay)
        self.reason = reason


def outcome_of(error: Exception) -> MediaAnswer | MediaFailure | None:
    """What an error is answered with; `None` for one that nobody foresaw, a defect of ours."""
    if isinstance(error, FileRefused):
        return MediaAnswer(refused=error.refusal, detail=str(error))
    if isinstance(error, ObjectMissing):
        return MediaAnswer(refused=Refusal.GONE, detail="the store has no such object")
    if isinstance(error, NotNow):
        return MediaFailure(reason=error.reason, retry_after=error.delay)
    if isinstance(error, Retryable):
        return MediaFailure(reason=STORE_AWAY, retry_after=error.delay or 1.0)
    if isinstance(error, OSError):
        return MediaFailure(reason=DISK, retry_after=5.0)
    if isinstance(error, Permanent | ValidationError):
        return MediaFailure(reason=BAD_REQUEST, retry_after=60.0)
    return None
