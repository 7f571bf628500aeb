"""What the demo's servers are given is what they take, and what `helm test` runs can tell good from bad."""

import base64
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chart.cases import CASES
from chart.programs import CHART
from chart.rendering import render
from munshi.embedded.nats import program
from munshi.provision.derived_keys import MasterKey
from munshi_operator.bootstrap import nats_secret


def test_nats_takes_its_configuration_with_what_bootstrap_writes(tmp_path: Path) -> None:
    rendered = render(CASES["demo"])
    text = rendered.one("ConfigMap", "munshi-demo-nats")["data"]["nats.conf"]
    secret = nats_secret(MasterKey(bytes(32)).operator(), "munshi", f"{tmp_path}/accounts")
    pod = rendered.one("StatefulSet", "munshi-demo-nats")["spec"]["template"]["spec"]
    assert {"name": "operator", "secret": {"secretName": secret["metadata"]["name"]}} in pod["volumes"]
    (tmp_path / "operator").mkdir()
    for name, value in secret["data"].items():
        (tmp_path / "operator" / name).write_bytes(base64.b64decode(value))
    (tmp_path / "nats.conf").write_text(text.replace('"/data/', f'"{tmp_path}/'))
    done = subprocess.run(
        [program(), "-t", "--config", tmp_path / "nats.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_resolver_lies_on_the_volume() -> None:
    rendered = render(CASES["demo"])
    (job,) = [one for one in rendered.of("Job") if "bootstrap" in one["metadata"]["name"]]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    settings = {one["name"]: one.get("value") for one in container["env"]}
    (server,) = rendered.one("StatefulSet", "munshi-demo-nats")["spec"]["template"]["spec"]["containers"]
    mounted = {one["name"]: one["mountPath"] for one in server["volumeMounts"]}
    assert str(settings["MUNSHI_OPERATOR_NATS_RESOLVER_DIR"]).startswith(f"{mounted['data']}/")


class _Answers(http.server.BaseHTTPRequestHandler):
    """200 below /good, else 404."""

    def do_GET(self) -> None:
        """Answers."""
        self.send_response(200 if self.path.startswith("/good") else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """Address of a small server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def ask(*asked: str, patience: str = "60") -> "subprocess.CompletedProcess[str]":
    """The program of `helm test`."""
    return subprocess.run(
        [sys.executable, CHART / "programs" / "answers.py", f"--patience={patience}", *asked],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_helm_test_passes_when_all_answer_as_they_must(server: str) -> None:
    done = ask(f"{server}/good=200", f"{server}/other=404")
    assert done.returncode == 0, done.stdout


def test_helm_test_fails_and_says_what_did_not(server: str) -> None:
    done = ask(f"{server}/good=200", f"{server}/other=200", patience="0.1")
    assert done.returncode == 1
    assert f"FAIL {server}/other 404 (wanted 200)" in done.stdout
