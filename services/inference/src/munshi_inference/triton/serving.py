"""What runs inside Triton: each model of the repository is one of these over the engine in process.

Imported by `models/<name>/<version>/model.py` with the Python of Triton's own environment.
"""

import asyncio
import gc
import inspect
import multiprocessing.spawn
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Coroutine, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import BaseModel

from munshi.contracts.media import READERS, FileRef
from munshi.contracts.understanding import Request
from munshi.errors import Permanent
from munshi.inference import InferenceSettings, load_engine
from munshi_inference.nlu.repository import LEAST_TOGETHER
from munshi_inference.triton import wire
from munshi_inference.triton.wire import DATA, REQUEST, RESULT

_NICE_FILES = 10
"""Files give way to texts: a page may take a moment longer, a text may not."""
Engine = TypeVar("Engine")


def _settings() -> InferenceSettings:
    """Those of the server's environment, for engines in process, whatever it says of Triton."""
    return InferenceSettings().model_copy(update={"triton_url": "", "triton_http_url": ""})


def _own_python() -> None:
    """Inside Triton's stub `sys.executable` is no Python, and engines start processes of their own."""
    python = os.environ.get("MUNSHI_PYTHON", sys.executable)
    sys.executable = python
    multiprocessing.spawn.set_executable(python)


def _failed(model: str, error: BaseException) -> bytes:
    """An error as data; the server's log has its kind, never a text of a person."""
    trouble = wire.trouble_of(error)
    if trouble.word in {wire.FAILED, wire.OUT_OF_MEMORY}:
        sys.stderr.write(f"{model}: {trouble.word}: {type(error).__name__}\n")
    return wire.error_row(trouble)


class Served(ABC, Generic[Engine]):
    """A model of the python backend, whose class must be named `TritonPythonModel`."""

    engine: Engine
    name: str

    def initialize(self, args: dict[str, str]) -> None:
        """Called once an instance."""
        _own_python()
        self.name = args["model_name"]
        self.engine = self.load(Path(args["model_repository"]), args["model_version"])

    @abstractmethod
    def load(self, folder: Path, version: str) -> Engine:
        """The engine; `folder` is the model's in the repository."""

    @abstractmethod
    def results(self, tensors: dict[str, list[bytes]]) -> list[bytes]:
        """A row of results for each row of `REQUEST`. Raises nothing for a request."""

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """What Triton calls with the requests that it joined."""
        import triton_python_backend_utils as backend

        # Whether a request was cancelled is not asked: the server drops those that still wait, and to ask
        # about one that it has given up itself crashes it (2.51).
        rows: dict[str, list[bytes]] = {}
        sizes = []
        for request in requests:
            tensors = {t.name(): [bytes(row) for row in t.as_numpy().reshape(-1)] for t in request.inputs()}
            sizes.append(len(tensors[REQUEST]))
            for name, values in tensors.items():
                rows.setdefault(name, []).extend(values)
        found = iter(self.results(rows))
        return [
            backend.InferenceResponse(
                [backend.Tensor(RESULT, np.array(list(islice(found, size)), dtype=np.object_).reshape(-1, 1))]
            )
            for size in sizes
        ]


class Understanding(Served[Any]):
    """`ledger_nlu`: reads texts, all that Triton joined at once."""

    def initialize(self, args: dict[str, str]) -> None:
        """Called once an instance."""
        super().initialize(args)
        # What several texts at once need is made at the first of them.
        self.engine.read_with_joint([Request(text="haan", today=date.min)] * LEAST_TOGETHER)
        # The model stays for good, and what reading makes dies by itself: collected every few dozen texts
        # rather than at each.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)

    def load(self, folder: Path, version: str) -> Any:
        """The engine over the very version that Triton serves, or the model of the settings."""
        from munshi_inference.understanding import engine_of

        return engine_of(_settings().nlu_model or folder / version)

    def results(self, tensors: dict[str, list[bytes]]) -> list[bytes]:
        """Readings."""
        rows = tensors[REQUEST]
        try:
            return self._read(rows)
        except BaseException:  # noqa: BLE001 (each has an error of its own)
            return [self._result(row) for row in rows]

    def _read(self, rows: Sequence[bytes]) -> list[bytes]:
        found = self.engine.read_with_joint([Request.model_validate_json(row) for row in rows])
        return [wire.ok_row(one) for one, _ in found]

    def _result(self, row: bytes) -> bytes:
        try:
            return self._read([row])[0]
        except BaseException as error:  # noqa: BLE001 (an error is data: raised, it takes a traceback along)
            return _failed(self.name, error)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


class _Waiting(Served[Engine]):
    """A model over an engine that is awaited: it has an event loop of its own, which outlives a request."""

    def initialize(self, args: dict[str, str]) -> None:
        """Called once an instance."""
        os.nice(_NICE_FILES)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="engine", daemon=True).start()
        super().initialize(args)
        warm = getattr(self.engine, "warm", None)
        if warm is not None:
            asyncio.run_coroutine_threadsafe(_awaited(warm()), self._loop).result()

    def all_of(self, work: Sequence[Coroutine[Any, Any, BaseModel]]) -> list[bytes]:
        """The results of all, worked out side by side; blocks."""

        async def together() -> list[BaseModel | BaseException]:
            return await asyncio.gather(*work, return_exceptions=True)

        found = asyncio.run_coroutine_threadsafe(together(), self._loop).result()
        return [
            _failed(self.name, one) if isinstance(one, BaseException) else wire.ok_row(one) for one in found
        ]

    def finalize(self) -> None:
        """Called when the model is unloaded."""
        close = getattr(self.engine, "close", None)
        ending = close() if close is not None else None
        if inspect.isawaitable(ending):
            asyncio.run_coroutine_threadsafe(_awaited(ending), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)


class _Files(_Waiting[Any]):
    """Reads files by bytes, by URL, or by a path within the folder that is shared."""

    part: str

    def load(self, folder: Path, version: str) -> Any:  # noqa: ARG002 (engines bring their models)
        """The engine in process. Raises `EngineMissing`: the model is not ready then; the log says why."""
        settings = _settings()
        self._shared = settings.triton_files
        return load_engine(READERS[self.part], settings)

    def results(self, tensors: dict[str, list[bytes]]) -> list[bytes]:
        """Documents or transcripts."""
        pairs = zip(tensors[REQUEST], tensors[DATA], strict=True)
        return self.all_of([self._read(row, data) for row, data in pairs])

    async def _read(self, row: bytes, data: bytes) -> BaseModel:
        asked = wire.FileAsked.model_validate_json(row)
        given: BaseModel = await self.work(self._file(asked, data), asked)
        return given

    @abstractmethod
    async def work(self, file: FileRef, asked: wire.FileAsked) -> BaseModel:
        """One file."""

    def _file(self, asked: wire.FileAsked, data: bytes) -> FileRef:
        if asked.path is not None:
            path = asked.path.resolve()
            if self._shared is None or not path.is_relative_to(self._shared.resolve()):
                raise Permanent("a path outside the shared folder", wire.FORBIDDEN_PATH)
            return FileRef(asked.mime_type, path=path)
        if asked.url is not None:
            return FileRef(asked.mime_type, url=asked.url)
        return FileRef(asked.mime_type, data=data)


class Documents(_Files):
    """`documents`."""

    part = "documents"

    async def work(self, file: FileRef, asked: wire.FileAsked) -> BaseModel:
        """Reads one."""
        found: BaseModel = await self.engine.read(file, asked.hints())
        return found


class Speech(_Files):
    """`speech`."""

    part = "speech"

    async def work(self, file: FileRef, asked: wire.FileAsked) -> BaseModel:
        """Hears one."""
        found: BaseModel = await self.engine.transcribe(file, asked.hints())
        return found


class Embeddings(_Waiting[Any]):
    """`embeddings`."""

    def load(self, folder: Path, version: str) -> Any:  # noqa: ARG002 (engines bring their models)
        """The engine in process."""
        return load_engine(READERS["embeddings"], _settings())

    def results(self, tensors: dict[str, list[bytes]]) -> list[bytes]:
        """Vectors."""
        return self.all_of([self._embed(row) for row in tensors[REQUEST]])

    async def _embed(self, row: bytes) -> BaseModel:
        asked = wire.TextsAsked.model_validate_json(row)
        vectors = await self.engine.embed(asked.texts, asked.tenant)
        return wire.Vectors(model=self.engine.info().model, vectors=vectors)
