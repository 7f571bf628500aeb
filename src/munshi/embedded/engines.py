"""Which engines the running services have, as each says at `/engines`, and whether Triton works."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from munshi.embedded.state import PlatformState
from munshi.embedded.supervisor import Probe, plain_probe
from munshi.provision.loopback import call

_ASKED = ("orchestrator", "media")
_OF_KEY = {"accepted": "key accepted", "none": "no key needed", "unknown": "key not tried"}
"""What is said of a key; one that is refused or missing is told by the step that mends it."""
_SECONDS = 10.0
"""A service that loads its engines right now answers when it has; that takes a few seconds."""


def found_engines(state: PlatformState) -> list[dict[str, Any]]:
    """`EngineInfo`s as JSON, in the order of the services; of a service that does not answer none."""
    bases = {
        process.name: process.metrics.removesuffix("/metrics")
        for process in state.processes
        if process.name in _ASKED and process.metrics
    }
    asked = [bases[name] for name in _ASKED if name in bases]
    with ThreadPoolExecutor(max_workers=len(_ASKED)) as threads:
        return [engine for told in threads.map(_engines_of, asked) for engine in told]


def triton_probe(port: int) -> Probe:
    """Asks Triton's HTTP port for an answer of the texts' model: the server says that all is well while the
    process of a model hangs. To an empty request the model answers with an error, which is an answer."""
    body = orjson.dumps({"inputs": [{"name": "REQUEST", "datatype": "BYTES", "shape": [1, 1], "data": [""]}]})
    url = f"http://127.0.0.1:{port}/v2/models/ledger_nlu/infer"
    return plain_probe(lambda: call(url, "POST", body, seconds=2.0)[0] == 200)


def _engines_of(base: str) -> list[dict[str, Any]]:
    status, body = call(f"{base}/engines", seconds=_SECONDS)
    told: list[dict[str, Any]] = orjson.loads(body) if status == 200 else []
    return told


def described(engines: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """For people: the part, and what does it, or the one step that adds it."""
    rows = []
    for engine in engines:
        known = [engine["engine"], engine["model"], " ".join(engine["languages"])]
        text = ", ".join(word for word in known if word)
        text = f"{text} ({engine['where']})" if text and engine["where"] else text or "none"
        text = f"{text}, {_OF_KEY[engine['key']]}" if engine.get("key") in _OF_KEY else text
        rows.append((engine["part"], f"{text}; {engine['add']}" if engine["add"] else text))
    return rows
