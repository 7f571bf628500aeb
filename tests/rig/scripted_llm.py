"""A language model that answers by a script, over the real protocol: structured output, streams, faults."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from rig.openai_service import openai_service


@dataclass(frozen=True)
class Line:
    """One answer of the script."""

    text: str = ""
    status: int = 200
    seconds: float = 0.0
    """Before it begins to answer."""
    pieces: Sequence[str] = ()
    """Of a stream; by default the text word by word."""
    breaks_off: bool = False
    """The connection ends after the pieces, without an end."""


@dataclass
class Scripted:
    """A running model."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests, in order."""
    keys: list[str] = field(default_factory=list)
    """Their keys."""
    script: list[Line | Callable[[Mapping[str, Any]], Line]] = field(default_factory=list)
    """Used up line by line; the last one stays."""

    def said_to_it(self, number: int = -1) -> str:
        """All messages of a request, joined."""
        return "\n".join(message["content"] for message in self.asked[number]["messages"])


@contextlib.asynccontextmanager
async def scripted_llm(*script: Line | Callable[[Mapping[str, Any]], Line]) -> AsyncIterator[Scripted]:
    """Serves the script until the block ends."""
    model = Scripted(script=list(script))

    async def answer(request: Request) -> Response:
        body = await request.json()
        model.asked.append(body)
        model.keys.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        turn = model.script.pop(0) if len(model.script) > 1 else model.script[0]
        line = turn if isinstance(turn, Line) else turn(body)
        if line.seconds:
            await asyncio.sleep(line.seconds)
        if line.status != 200:
            return JSONResponse({"error": {"message": "scripted", "type": "scripted"}}, line.status)
        if body.get("stream"):
            return StreamingResponse(_events(body, line), media_type="text/event-stream")
        return JSONResponse(_completion(body, line.text))

    async with openai_service("/chat/completions", answer) as service:
        model.url = service.url
        yield model


def _tokens(body: Mapping[str, Any], text: str) -> dict[str, int]:
    asked = sum(len(message["content"].split()) for message in body["messages"])
    said = len(text.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _completion(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _tokens(body, text),
    }


async def _events(body: Mapping[str, Any], line: Line) -> AsyncIterator[bytes]:
    common = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
    pieces = line.pieces or [f"{word} " for word in line.text.split()]
    for piece in pieces:
        delta = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
        yield b"data: " + json.dumps({**common, "choices": [delta]}).encode() + b"\n\n"
        await asyncio.sleep(0)
    if line.breaks_off:
        raise ConnectionResetError("scripted")
    usage = _tokens(body, "".join(pieces))
    yield b"data: " + json.dumps({**common, "choices": [], "usage": usage}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"
