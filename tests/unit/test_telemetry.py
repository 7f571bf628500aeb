"""Logs are one JSON object a line, whoever writes them."""

import json
import subprocess
import sys
from pathlib import Path

from munshi.telemetry.traces import new_traceparent, span_context

PROGRAM = """
import logging, structlog
from munshi.telemetry import configure
from opentelemetry import trace
from munshi.telemetry.traces import parent
configure("ingress", "info")
log = structlog.get_logger()
log.debug("hidden")
log.info("kept", tenant="shops_a", message_id="wamid.1")
logging.getLogger("library").warning("slow %s", "disk")
with trace.use_span(parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")):
    log.info("traced")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""


def test_every_line_is_an_object_with_the_named_keys() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["kept", "slow disk", "traced", "failed"]
    assert all({"timestamp", "level", "event", "service"} <= line.keys() for line in lines)
    assert all(line["service"] == "ingress" for line in lines)
    assert lines[0]["tenant"] == "shops_a"
    assert lines[2]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "ZeroDivisionError" in lines[3]["exception"]
    assert not done.stderr


def test_a_traceparent_is_read_back() -> None:
    fresh = new_traceparent()
    context = span_context(fresh)
    assert context is not None
    assert f"{context.trace_id:032x}" == fresh.split("-")[1]


def test_a_malformed_traceparent_is_none() -> None:
    for text in (
        None,
        "",
        "00-1-2-01",
        "00-" + "z" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "0" * 32 + "-" + "0" * 16 + "-00",
    ):
        assert span_context(text) is None


def test_a_log_that_cannot_be_written_stops_no_work() -> None:
    """`/dev/full` is a disk without room."""
    program = PROGRAM + "\nimport sys\nprint('worked on', file=sys.stderr)\n"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "worked on" in done.stderr
