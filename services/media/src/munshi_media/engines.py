"""The engines that read, hear and speak, as far as they are to be had here. Loaded beside the start."""

import asyncio
from typing import Any

import structlog

from munshi.contracts.media import READERS, DocumentReader, EngineInfo, Refusal, Speaker, Transcriber
from munshi.files.kinds import FileRefused
from munshi.inference import EngineMissing, InferenceSettings, infos, load_engine

_log = structlog.get_logger()

_GROUPS = ("documents", "speech", "voices")


class Engines:
    """What there is. An engine that is missing refuses, and names the step that adds it."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._settings = settings
        self._loading: dict[str, asyncio.Task[Any]] = {}

    def start(self) -> None:
        """Begins to load; what is asked for meanwhile waits."""
        for group in _GROUPS:
            self._loading[group] = asyncio.create_task(self._load(group), name=f"load {group}")

    async def close(self) -> None:
        """Ends engines that have something to end."""
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
        """What there is, and what is missing."""
        loaded = [await asyncio.shield(self._loading[group]) for group in _GROUPS]
        told = await infos(engine for engine in loaded if not isinstance(engine, EngineMissing))
        return [*told, *(missing.info for missing in loaded if isinstance(missing, EngineMissing))]

    async def _engine(self, group: str) -> Any:
        loaded = await asyncio.shield(self._loading[group])
        if isinstance(loaded, EngineMissing):
            raise FileRefused(Refusal.NO_ENGINE, loaded.info.add)
        return loaded

    async def _load(self, group: str) -> Any:
        try:
            engine = await asyncio.to_thread(load_engine, READERS[group], self._settings)
        except EngineMissing as error:
            _log.info("engine_missing", part=group, add=error.info.add)
            return error
        except Exception as error:  # noqa: BLE001 - a broken engine must not take the others along
            _log.exception("engine_broken", part=group)
            add = f"its installation is broken ({type(error).__name__}); see the service's log"
            return EngineMissing(EngineInfo(part=group, engine="", where="", add=add))
        _log.info("engine_found", part=group, engine=engine.info().engine, where=engine.info().where)
        return engine
