"""The engines that read, hear and speak, as far as they are to be had here. Loaded beside the start."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from munshi.contracts.media import READERS, DocumentReader, EngineInfo, Refusal, Speaker, Transcriber
from munshi.errors import Permanent, Retryable
from munshi.files.kinds import FileRefused
from munshi.inference import EngineMissing, InferenceSettings, infos, load_engine
from munshi.tasks import end

_log = structlog.get_logger()

_PARTS: Mapping[str, str] = {"documents": "ocr", "speech": "speech", "voices": "tts"}
"""Groups of engines, with the word for each part."""
_LOAD_SECONDS = 5.0
"""Longest that who asks for the engines waits for one that is being loaded."""


class Engines:
    """What there is. An engine that is missing refuses, and names the step that adds it."""

    def __init__(self, settings: InferenceSettings, *, warm: bool = False) -> None:
        """`warm`: the reader of pictures is made ready before the first one comes."""
        self._settings = settings
        self._warm = warm
        self._warming: asyncio.Task[None] | None = None
        self._loading: dict[str, asyncio.Task[Any]] = {}

    def start(self) -> None:
        """Begins to load; what is asked for meanwhile waits."""
        for group in _PARTS:
            self._loading[group] = asyncio.create_task(self._load(group), name=f"load {group}")
        if self._warm:
            self._warming = asyncio.create_task(self._make_ready(), name="warm documents")

    async def close(self) -> None:
        """Ends engines that have something to end."""
        if self._warming is not None:
            await end(self._warming)
        for task in self._loading.values():
            task.cancel()
        for engine in await asyncio.gather(*self._loading.values(), return_exceptions=True):
            if not isinstance(engine, BaseException):
                await engine.close()

    async def documents(self) -> DocumentReader:
        """Reads pictures and PDFs. Raises: FileRefused where there is none."""
        engine: DocumentReader = await self._engine("documents")
        return engine

    async def speech(self) -> Transcriber:
        """Writes down speech. Raises: FileRefused where there is none."""
        engine: Transcriber = await self._engine("speech")
        return engine

    async def voices(self) -> Speaker:
        """Speaks. Raises: FileRefused where there is none."""
        engine: Speaker = await self._engine("voices")
        return engine

    async def infos(self) -> list[EngineInfo]:
        """What there is, what is missing, and what is still being loaded: weights out of a hub take long."""
        await asyncio.wait(self._loading.values(), timeout=_LOAD_SECONDS)
        loaded = [task.result() for task in self._loading.values() if task.done()]
        told = await infos(sorted(loaded, key=lambda engine: isinstance(engine, EngineMissing)))
        waited = [group for group, task in self._loading.items() if not task.done()]
        return [
            *told,
            *(EngineInfo(_PARTS[group], "", "", add="it is being loaded: wait") for group in waited),
        ]

    async def _engine(self, group: str) -> Any:
        loaded = await asyncio.shield(self._loading[group])
        if isinstance(loaded, EngineMissing):
            raise FileRefused(Refusal.NO_ENGINE, loaded.info.add)
        return loaded

    async def _make_ready(self) -> None:
        engine = await asyncio.shield(self._loading["documents"])
        warm = getattr(engine, "warm", None)
        if warm is None:
            return
        try:
            await warm()
        except (Retryable, Permanent) as error:  # the first picture finds out
            _log.warning("reader_not_ready", reason=str(error))

    async def _load(self, group: str) -> Any:
        try:
            engine = await _aside(lambda: load_engine(READERS[group], self._settings), f"load {group}")
        except EngineMissing as error:
            _log.info("engine_missing", part=group, add=error.info.add)
            return error
        except Exception as error:  # noqa: BLE001 - a broken engine must not take the others along
            _log.exception("engine_broken", part=group)
            add = f"its installation is broken ({type(error).__name__}); see the service's log"
            return EngineMissing(EngineInfo(part=_PARTS[group], engine="", where="", add=add))
        _log.info("engine_found", part=group, engine=engine.info().engine, where=engine.info().where)
        return engine


async def _aside(work: Callable[[], Any], name: str) -> Any:
    """Runs `work` in a thread that holds nobody up at the end: what fetches weights may take minutes."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - it is raised where it is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
