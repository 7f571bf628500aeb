"""What is told of language models: whether each answers, and takes its key."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from munshi.contracts.media import EngineInfo
from munshi.embedded.engines import described
from munshi.llm.asking import infos
from munshi.llm.settings import LlmSettings, ModelSettings
from rig.ports import free_port


@contextlib.asynccontextmanager
async def model_server(*, asks_for: str | None = None, status: int = 200) -> AsyncIterator[str]:
    """A server with a list of models; `asks_for` is the only key that it takes."""

    async def models(request: web.Request) -> web.Response:
        if asks_for is not None and request.headers.get("Authorization") != f"Bearer {asks_for}":
            return web.json_response({"error": "who are you?"}, status=401)
        return web.json_response({"data": []}, status=status)

    app = web.Application()
    app.add_routes([web.get("/v1/models", models)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def told(url: str, key: str = "", folder: Path | None = None) -> EngineInfo:
    """What is told of one model."""
    model = ModelSettings.model_validate({"name": "small", "url": url, "model": "m", "key": key})
    (info,) = await infos(LlmSettings(llm_models=(model,), llm_keys_dir=folder))
    assert (info.part, info.engine, info.where, info.model) == ("llm", "small", "url", "m")
    assert "right" not in str(info), "a key is never shown"
    return info


def shown(info: EngineInfo) -> str:
    """As a person reads it."""
    ((_, text),) = described([dataclasses.asdict(info)])
    return text


async def test_a_key_that_is_taken() -> None:
    async with model_server(asks_for="right") as url:
        info = await told(url, "right")
    assert (info.ready, info.key, info.add) == (True, "accepted", "")
    assert shown(info) == "small, m (url), key accepted"


async def test_a_key_out_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "small").write_text("right\n")
    async with model_server(asks_for="right") as url:
        assert (await told(url, "wrong", tmp_path)).key == "accepted"


@pytest.mark.parametrize(("key", "word"), [("wrong", "refused"), ("", "missing")])
async def test_a_key_that_is_refused_or_missing_names_the_step(key: str, word: str) -> None:
    async with model_server(asks_for="right") as url:
        info = await told(url, key)
    assert (info.ready, info.key) == (False, word)
    assert "MUNSHI_LLM_KEYS_DIR" in info.add
    assert "MUNSHI_LLM_KEYS_DIR" in shown(info)


async def test_a_server_that_asks_for_no_key() -> None:
    async with model_server() as url:
        info = await told(url)
    assert (info.ready, info.key) == (True, "none")
    assert shown(info) == "small, m (url), no key needed"


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_without_a_list_of_models_says_nothing_of_a_key(status: int) -> None:
    async with model_server(status=status) as url:
        assert ((await told(url, "right")).ready, (await told(url, "right")).key) == (True, "unknown")


async def test_a_server_that_fails_or_is_away_is_not_ready() -> None:
    async with model_server(status=500) as url:
        failing = await told(url, "right")
    away = await told(f"http://127.0.0.1:{free_port()}/v1", "right")
    assert (failing.ready, failing.key, "answers 500" in failing.add) == (False, "unknown", True)
    assert (away.ready, away.key, "does not answer" in away.add) == (False, "unknown", True)


async def test_without_models_the_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUNSHI_LLM_MODELS", raising=False)
    (info,) = await infos(LlmSettings())
    assert not info.ready
    assert "MUNSHI_LLM_MODELS" in info.add
