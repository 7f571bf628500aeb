"""Signed webhooks and the load made of them: by wrk where it is installed, else by a client of our own."""

import argparse
import asyncio
import hmac
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import uvloop

PATH = "/webhooks/whatsapp/bench_shop"
NUMBER = "106540352242922"
ACCOUNT = "102290129340398"
CONNECTIONS = 64
PEOPLE = 5_000


@dataclass(frozen=True)
class Load:
    """What a run came to. Latencies in milliseconds."""

    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float


def webhook(ids: Sequence[str], secret: bytes, first: int = 0) -> tuple[bytes, str]:
    """A webhook of text messages with these ids, and its signature; about 500 bytes for one.

    They come from `PEOPLE` people in turn, beginning with the `first`.
    """
    messages = [
        {
            "from": f"9198200{number % PEOPLE:05d}",
            "id": name,
            "timestamp": "1700000000",
            "text": {"body": "Ramesh ko 500 ka maal udhaar diya"},
            "type": "text",
        }
        for number, name in enumerate(ids, first)
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "919820000000", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Ramesh Kumar"}, "wa_id": messages[0]["from"]}],
        "messages": messages,
    }
    entry = {"id": ACCOUNT, "changes": [{"value": value, "field": "messages"}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":"))
    raw = body.encode()
    return raw, "sha256=" + hmac.digest(secret, raw, "sha256").hex()


def signed_webhooks(run: str, count: int, secret: bytes) -> Iterator[tuple[bytes, str]]:
    """`count` webhooks of one message each; no id comes twice over all runs."""
    for number in range(count):
        yield webhook([f"wamid.HBgMOTE5ODIwMDAwMDAwFQIAEhg{run}{number:08d}AA=="], secret, number)


_LUA = """
local requests, next = {}, 0
init = function(args)
  for line in io.lines(args[1]) do
    local signature, body = line:match("^(%S+) (.*)$")
    local headers = {["Content-Type"] = "application/json", ["X-Hub-Signature-256"] = signature}
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end
request = function()
  next = next + 1
  return requests[(next - 1) % #requests + 1]
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


def run_load(port: int, webhooks: Iterator[tuple[bytes, str]], seconds: float, core: int | None) -> Load:
    """Posts the webhooks for `seconds` over 64 connections, on a core of its own where one is given."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "webhooks"
        with data.open("wb") as file:
            for body, signature in webhooks:
                file.write(signature.encode() + b" " + body + b"\n")
        if shutil.which("wrk"):
            script = Path(folder) / "webhooks.lua"
            script.write_text(_LUA)
            url = f"http://127.0.0.1:{port}{PATH}"
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script), url]
            command += ["--", str(data)]
        else:
            command = [sys.executable, "-m", "bench._ingress_load", str(port), str(data), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=_pinned(core))
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if found is None:
        raise RuntimeError(f"no result of the load:\n{done.stdout}{done.stderr}")
    requests, micros, failed, p50, p99 = map(int, found.groups())
    return Load(requests, micros / 1e6, failed, p50 / 1e3, p99 / 1e3)


def _pinned(core: int | None):  # type: ignore[no-untyped-def]  # noqa: ANN202 - what subprocess takes
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


class _Client(asyncio.Protocol):
    """One keep-alive connection: sends the next request when the answer to the last one has come."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], failed: list[int]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._failed = failed
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._latencies.append(perf_counter() - self._sent)
        if not data.startswith(b"HTTP/1.1 200"):
            self._failed[0] += 1
        self._send()

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(next(self._requests))


async def _own_load(port: int, prepared: list[bytes], seconds: float) -> None:
    endless = itertools.cycle(prepared)
    latencies: list[float] = []
    failed = [0]
    loop = asyncio.get_running_loop()
    began = perf_counter()
    clients = [
        await loop.create_connection(lambda: _Client(endless, latencies, failed), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    duration = perf_counter() - began
    for transport, _ in clients:
        transport.close()
    latencies.sort()
    p50, p99 = (int(latencies[int(len(latencies) * part)] * 1e6) for part in (0.5, 0.99))
    print(f"RESULT {len(latencies)} {int(duration * 1e6)} {failed[0]} {p50} {p99}")


def _request(line: bytes) -> bytes:
    signature, _, body = line.partition(b" ")
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: {signature.decode()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """The client of our own, as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("data", type=Path)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        prepared = [_request(line) for line in given.data.read_bytes().splitlines()]
        runner.run(_own_load(given.port, prepared, given.seconds))


if __name__ == "__main__":
    main()
