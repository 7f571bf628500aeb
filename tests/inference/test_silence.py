"""No engine tells anybody outside of what it does."""

import os
import subprocess
import sys
from pathlib import Path

_READS = """
import asyncio, datetime
from munshi.contracts.understanding import Request
from munshi.inference import InferenceSettings, load_understander
engine = load_understander("nlu", InferenceSettings())
asyncio.run(engine.understand(Request(text="Ramesh ko 500 udhaar", today=datetime.date(2026, 11, 21))))
"""


def test_onnxruntime_keeps_no_record_for_its_maker(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("CI", None)
    subprocess.run([sys.executable, "-c", _READS], check=True, env=environment, timeout=250)
    assert [path.name for path in tmp_path.rglob("*icrosoft*")] == []
