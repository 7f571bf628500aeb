"""Keeps LangGraph's companions quiet: langsmith comes with it, and would send what people write to a service
elsewhere as soon as an environment asks it to."""

from collections.abc import MutableMapping

_SWITCHES = tuple(
    f"{prefix}_{name}" for prefix in ("LANGSMITH", "LANGCHAIN") for name in ("TRACING", "TRACING_V2")
)


def forbid_tracing(environment: MutableMapping[str, str]) -> None:
    """Switches every tracing of langsmith off, whatever the environment says. To be called before the first
    run of a graph: langsmith remembers what it read then."""
    environment.update(dict.fromkeys(_SWITCHES, "false"))
