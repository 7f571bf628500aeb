"""Whisper's weights out of a hub (Hugging Face or a mirror: HF_ENDPOINT): fetched once, because somebody
named them, and never asked about again.

`hub:Systran/faster-whisper-small`, or `hub:owner/name@revision` for one revision for ever.
"""

import contextlib
import os
import re
from pathlib import Path

_PREFIX = "hub:"
_NAME = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]


class HubAway(Exception):
    """The weights are not here, and cannot be fetched now."""


def is_named(model: Path) -> bool:
    """Whether it names weights of a hub rather than a place on this machine."""
    return str(model).startswith(_PREFIX)


def fetched(model: Path, cache: Path | None) -> Path:
    """The folder with the weights: what was fetched before, else fetched now, which takes minutes.

    Args:
        model: `hub:owner/name` with an optional `@revision`.
        cache: where they are kept; `None` is where Hugging Face's own programs keep them.

    Raises:
        HubAway: no network, no such repository, a name that is none.
    """
    named = _NAME.fullmatch(str(model))
    if named is None:
        raise HubAway(f"{model} is no name like hub:Systran/faster-whisper-small")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    def folder(*, here: bool) -> Path:
        return Path(
            snapshot_download(
                named["repository"],
                revision=named["revision"],
                cache_dir=cache,
                allow_patterns=_FILES,
                endpoint=os.environ.get("HF_ENDPOINT"),
                local_files_only=here,
            )
        )

    with contextlib.suppress(LocalEntryNotFoundError, HFValidationError):
        found = folder(here=True)
        if (found / "model.bin").is_file():
            return found
    try:
        return folder(here=False)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        unknown = isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | HFValidationError)
        why = "the hub shows nothing of this name" if unknown else "the hub does not answer"
        raise HubAway(f"{named['repository']} cannot be fetched, {why}") from error
