"""What `munshi status` tells of language models: each is asked for its list of models, which costs nothing.

Needs aiohttp, which a program that shows it brings; the models' own client takes two seconds to import.
"""

import asyncio
from dataclasses import replace

import aiohttp

from munshi.contracts.media import EngineInfo
from munshi.llm.keys import NO_KEY, key_of
from munshi.llm.settings import LlmSettings, ModelSettings

_SECONDS = 3.0
"""Longest that a server is waited for; a person waits for the answer."""


async def infos(settings: LlmSettings) -> list[EngineInfo]:
    """Each model, whether its server answers and takes the key; or the step that adds one."""
    if not settings.llm_models:
        return [EngineInfo("llm", "", "", add="set MUNSHI_LLM_MODELS to OpenAI-compatible services")]
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        return list(await asyncio.gather(*(_info(http, model, settings) for model in settings.llm_models)))


async def _info(http: aiohttp.ClientSession, model: ModelSettings, settings: LlmSettings) -> EngineInfo:
    key = await key_of(model, settings.llm_keys_dir)()
    headers = {"Authorization": f"Bearer {key}"}
    known = EngineInfo("llm", model.name, "url", model=model.model)
    try:
        # A key is shown to the URL that it was given for, and to nobody that it leads to.
        url = f"{model.url.rstrip('/')}/models"
        async with http.get(url, headers=headers, allow_redirects=False) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return replace(known, key="unknown", add=f"{model.url} does not answer: start it, or mend the URL")
    return _told(known, model, status, has_key=key != NO_KEY)


def _told(known: EngineInfo, model: ModelSettings, status: int, *, has_key: bool) -> EngineInfo:
    if status in (401, 403):
        what = "refuses its key" if has_key else "asks for a key and is given none"
        where = f"`key` in MUNSHI_LLM_MODELS, or a file {model.name} in MUNSHI_LLM_KEYS_DIR"
        return replace(known, key="refused" if has_key else "missing", add=f"the server {what}: {where}")
    if status in (200, 404, 405):
        # Without a list of models nothing is known of a key.
        key = "none" if not has_key else "accepted" if status == 200 else "unknown"
        return replace(known, key=key, ready=True)
    return replace(known, key="unknown", add=f"{model.url} answers {status}: see its log")
