"""Meta's Cloud API as typed values: what comes in by webhook, what goes out, and what its errors mean."""

from munshi.contracts.cloud_api.changes import Preference, parse_change, parse_preference
from munshi.contracts.cloud_api.errors import Action, ErrorClass, Verdict, classify
from munshi.contracts.cloud_api.messages import Message
from munshi.contracts.cloud_api.reading import parse_message
from munshi.contracts.cloud_api.statuses import ApiError, Status, StatusKind, parse_error, parse_status
from munshi.contracts.cloud_api.webhook import ChangeAt, walk

__all__ = [
    "Action",
    "ApiError",
    "ChangeAt",
    "ErrorClass",
    "Message",
    "Preference",
    "Status",
    "StatusKind",
    "Verdict",
    "classify",
    "parse_change",
    "parse_error",
    "parse_message",
    "parse_preference",
    "parse_status",
    "walk",
]
