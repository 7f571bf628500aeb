"""Logs, metrics and traces, one way for every service."""

from munshi.telemetry.logs import configure_logs
from munshi.telemetry.traces import configure_traces

__all__ = ["configure", "configure_logs", "configure_traces"]


def configure(service: str, level: str = "info") -> None:
    """Sets up logs and traces of a process. Called once, by the composition root."""
    configure_logs(service, level)
    configure_traces(service)
