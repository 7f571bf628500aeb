"""The chain of models against real vLLM on a CPU, with a Llama of random weights. Slow: only where
`MUNSHI_VLLM_PYTHON` names the Python of an environment that has vLLM, as `make test-vllm` does."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, Field

from munshi.contracts.ids import TenantKey
from munshi.contracts.llm import ChatMessage, Prompt, Terms
from munshi.llm.chain import ModelChain
from munshi.llm.metrics import Metrics
from munshi.llm.settings import ModelSettings
from rig.ports import free_port

_PYTHON = os.environ.get("MUNSHI_VLLM_PYTHON", "")
_MAKE = Path(__file__).parent.parent / "rig" / "tiny_llama.py"
_START_SECONDS = 240.0

pytestmark = [
    pytest.mark.skipif(not _PYTHON, reason="MUNSHI_VLLM_PYTHON names no environment with vLLM (tools/vllm)"),
    pytest.mark.timeout(600),
]


class Mood(BaseModel):
    """What is asked for."""

    mood: str = Field(max_length=8)
    score: int = Field(ge=0, le=9)


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running server."""
    folder = tmp_path_factory.mktemp("vllm")
    subprocess.run([_PYTHON, "-P", str(_MAKE), str(folder / "model")], check=True, timeout=120)
    port = free_port()
    environment = {
        **os.environ,
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }
    command = [_PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder / "model")]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enforce-eager", "--max-model-len", "1024", "--dtype", "float32"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(f"http://127.0.0.1:{port}/health", server, folder / "log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            os.killpg(server.pid, 9)
            server.wait()


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    sys.stderr.write(log.read_text(errors="replace")[-4000:])
    pytest.fail("vLLM did not start")


class Free:
    """Spending without end."""

    async def begin(self, *_: object) -> int:
        return 1

    async def end(self, *_: object) -> None:
        return None

    async def used(self, *_: object) -> Decimal:
        return Decimal(0)


async def test_words_shapes_streams_and_salts_go_through(vllm: str) -> None:
    model = ModelSettings(name="tiny", url=vllm, model="tiny", seconds=60, cache_salt=True)
    chain = ModelChain([model], Free(), Metrics(CollectorRegistry()), b"0123456789abcdef")
    prompt = Prompt(
        tenant=TenantKey("shops_sharma"),
        purpose="test",
        messages=(ChatMessage("user", "How is Ramesh, 9820012345?"),),
        terms=Terms(monthly_budget=Decimal(1)),
        most_tokens=400,
        seconds=120,
    )
    try:
        shaped, pieces = await asyncio.gather(chain.shaped(prompt, Mood), _all(chain, prompt))
        answer = await chain.answer(prompt)
    finally:
        await chain.close()
    assert 0 <= shaped.value.score <= 9, "the schema holds, whatever the weights"
    assert shaped.spent.completion_tokens > 0
    assert answer.spent.prompt_tokens > 20
    assert "".join(pieces)


async def _all(chain: ModelChain, prompt: Prompt) -> list[str]:
    return [piece async for piece in chain.stream(prompt)]
