"""A process that reads pages, one at a time, for a pool. Spawned; ends when its pipe is closed."""

import os
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from munshi.contracts.media import Document, FileRef, ReadHints, Refusal
from munshi.files.kinds import FileRefused

if TYPE_CHECKING:
    from munshi_inference.documents.page_reader import PageReader

NICENESS = 5
"""Conversations go before pictures where both want a core."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one file: a document, or why not."""

    state: Literal["read", "refused", "broken"]
    document: Document | None = None
    refusal: Refusal | None = None
    detail: str = ""


def serve(pipe: Connection, models: Path | None) -> None:
    """Loads the models, says `ready` (or why not), then answers each (file, hints) with an `Answer`."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT"):
        os.environ[name] = "1"
    with suppress(OSError):
        os.nice(NICENESS)
    from munshi_inference.documents.page_reader import PageReader

    try:
        reader = PageReader(models)
    except Exception as error:  # noqa: BLE001  # told to the parent, which says it in words
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send("ready")
    with suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        while True:
            file, hints = pipe.recv()
            pipe.send(_answer(reader, file, hints))


def _answer(reader: "PageReader", file: FileRef, hints: ReadHints) -> Answer:
    try:
        data = file.data if file.data is not None else Path(str(file.path)).read_bytes()
        return Answer("read", reader.read(data, hints))
    except FileRefused as error:
        return Answer("refused", refusal=error.refusal, detail=str(error))
    except Exception as error:  # noqa: BLE001  # a page that breaks the reader breaks nobody else
        return Answer("broken", detail=type(error).__name__)
