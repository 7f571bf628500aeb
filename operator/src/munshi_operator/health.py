"""What `/healthz` of the operator says."""

from munshi_operator.engine import Engine

_DEAF_TIMES = 2
"""One census may come in the moment between a change and its event."""
_SILENT_SECONDS = 300.0
"""A watch gets a bookmark a minute and is made anew after 90 s of silence; beyond this it never heals."""


def alive(engine: Engine) -> str | None:
    """What is wrong with the process, that only a restart mends: no progress, or deaf watches.

    The API server being away is no such thing: then every pass fails and counts as progress all the same, and
    a watch that cannot be opened was tried.
    """
    limit = 2 * engine.settings.deadline_seconds
    if engine.begun and engine.queue.silent > limit:
        return f"no pass has ended for {engine.queue.silent:.0f} s, and {engine.queue.depth} wait"
    if engine.deaf >= _DEAF_TIMES:
        return "the watch of tenants tells nothing of what changes"
    deaf = [one.selection.kind.plural for one in engine.reflectors if one.tried_age > _SILENT_SECONDS]
    return f"nothing heard and nothing tried for {', '.join(deaf)}" if deaf else None
