"""Where the time of one text over Triton goes: what one asker waits for, step by step nearer to a reading.

The real tritonserver with `ledger_nlu` as it is, and with a model in its place that gives back what it got;
the hand-written texts of `tests/understanding`, one after the other; each step in turn, `ROUNDS` times.
`pause`: the reading in this process after it slept for a millisecond, as the model's process does between two
texts. `other ways` are ways to ask that the client does not go.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio
import uvloop
from tritonclient.grpc import service_pb2 as messages
from tritonclient.grpc import service_pb2_grpc as services

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from bench.triton import percentile, requests
from munshi_inference.nlu.engine import load
from munshi_inference.triton.engines import TEXT_SECONDS
from munshi_inference.triton.link import Link, packed
from munshi_inference.triton.text_link import TextLink
from munshi_inference.triton.wire import REQUEST, RESULT
from rig.triton import TritonServer, repository_with

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 3
WARM = 200
GIVES_BACK = f"""
import triton_python_backend_utils as backend

class TritonPythonModel:
    def execute(self, requests):
        return [
            backend.InferenceResponse([backend.Tensor("{RESULT}", request.inputs()[0].as_numpy())])
            for request in requests
        ]
"""
Ask = Callable[[bytes], Awaitable[Any]]


async def waited(ask: Ask, rows: Sequence[bytes]) -> float:
    """Milliseconds for a row, p50."""
    took = []
    for row in (*rows[:WARM], *rows):
        began = time.perf_counter()
        await ask(row)
        took.append(time.perf_counter() - began)
    return percentile(took[WARM:], 0.5)


def request_of(row: bytes) -> Any:
    """A row as the client asks for it."""
    request = messages.ModelInferRequest(model_name="ledger_nlu", raw_input_contents=[packed([row])])
    request.inputs.add(name=REQUEST, datatype="BYTES", shape=[1, 1])
    request.outputs.add(name=RESULT)
    return request


async def by_link(link: Link | TextLink, rows: Sequence[bytes]) -> float:
    """As a client of ours goes."""
    try:
        return await waited(lambda row: link.ask({REQUEST: [row]}, TEXT_SECONDS), rows)
    finally:
        await link.close()


async def by_grpc(server: TritonServer, rows: Sequence[bytes]) -> dict[str, float]:
    """An empty call, and one stream for all rows."""
    async with grpc.aio.insecure_channel(server.url) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        stream = stub.ModelStreamInfer()

        async def on_the_stream(row: bytes) -> None:
            await stream.write(request_of(row))
            await stream.read()

        found = {
            "an empty call": await waited(lambda _: stub.ServerLive(messages.ServerLiveRequest()), rows),
            "other ways: one stream of gRPC": await waited(on_the_stream, rows),
        }
        await stream.done_writing()
        await stream.read()
        return found


def by_blocking(server: TritonServer, rows: Sequence[bytes]) -> float:
    """By a stub that blocks."""
    with grpc.insecure_channel(server.url) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        took = []
        for row in (*rows[:WARM], *rows):
            began = time.perf_counter()
            stub.ModelInfer(request_of(row))
            took.append(time.perf_counter() - began)
    return percentile(took[WARM:], 0.5)


async def by_http(server: TritonServer, rows: Sequence[bytes]) -> dict[str, float]:
    """Over Triton's HTTP, with binary tensors."""
    async with aiohttp.ClientSession(f"http://{server.http}") as session:

        async def ask(row: bytes) -> None:
            raw = packed([row])
            asked: dict[str, Any] = {"name": REQUEST, "datatype": "BYTES", "shape": [1, 1]}
            asked["parameters"] = {"binary_data_size": len(raw)}
            head = json.dumps({"inputs": [asked], "parameters": {"binary_data_output": True}}).encode()
            headers = {"Inference-Header-Content-Length": str(len(head))}
            async with session.post("/v2/models/ledger_nlu/infer", data=head + raw, headers=headers) as given:
                given.raise_for_status()
                await given.read()

        return {"other ways: HTTP by aiohttp": await waited(ask, rows)}


async def ways(server: TritonServer, rows: Sequence[bytes]) -> dict[str, float]:
    """All of them."""
    found = {
        "as the client asks": await by_link(TextLink(server.http, "ledger_nlu"), rows),
        "as for files, by gRPC": await by_link(Link(server.url, "ledger_nlu"), rows),
    }
    found |= await by_grpc(server, rows) | await by_http(server, rows)
    return found | {"other ways: a blocking stub of gRPC": by_blocking(server, rows)}


def in_process(pause: float) -> float:
    """Milliseconds of a reading, p50."""
    engine, took = load(), []
    asked = requests()
    for request in (*asked[:WARM], *asked):
        time.sleep(pause)
        began = time.perf_counter()
        engine.read_with_joint([request])  # type: ignore[attr-defined] # as the model does
        took.append(time.perf_counter() - began)
    return percentile(took[WARM:], 0.5)


async def one_round(plain: TritonServer, ours: TritonServer, rows: Sequence[bytes]) -> dict[str, float]:
    """Milliseconds by step."""
    found = {"read in process": in_process(0.0), "read in process, pause": in_process(0.001)}
    for what, server in (("gives back", plain), ("reads", ours)):
        found |= {f"{what}: {way}": took for way, took in (await ways(server, rows)).items()}
    return found


async def main() -> None:
    """Prints the table and writes `results/one_text.json`."""
    rows = [request.model_dump_json().encode() for request in requests()]
    with tempfile.TemporaryDirectory() as folder:
        repository = repository_with(Path(folder) / "models", {"ledger_nlu": GIVES_BACK})
        plain = TritonServer(Path(folder) / "plain", "ledger_nlu", repository)
        ours = TritonServer(Path(folder) / "ours", "ledger_nlu")
        try:
            plain.start()
            ours.start()
            rounds = [await one_round(plain, ours, rows) for _ in range(ROUNDS)]
        finally:
            plain.kill()
            ours.kill()
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    print(f"p50 in ms, median of {ROUNDS} rounds; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")
    for key, value in result.items():
        print(f"{key:52}{value:6.2f}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "one_text.json").write_text(json.dumps({"rounds": rounds, "median": result}, indent=2) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
