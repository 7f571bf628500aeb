"""Keys of language models, out of a folder with a file a model: on a cluster a Secret that is mounted."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from munshi.llm.settings import ModelSettings

NO_KEY = "none"
"""Sent to a server that asks for no key; the protocol has no way to send nothing."""


def key_of(model: ModelSettings, folder: Path | None) -> Callable[[], Awaitable[str]]:
    """What gives a model's key at each request: its file as it stands then, so that a rotated key needs no
    restart; without one, what the settings say."""

    async def key() -> str:
        try:
            found = (folder / model.name).read_text().strip() if folder else ""
        except OSError:
            found = ""
        return found or model.key.get_secret_value() or NO_KEY

    return key
