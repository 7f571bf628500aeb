"""The images on a real node: under `restricted`, with a read-only root; a conversation through them.

Put together by hand, without chart or operator, so that it is the images alone that are shown.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from munshi.contracts.tenant import POOL
from munshi.embedded.nats import NatsSettings, render_config
from munshi.provision import database
from munshi.provision.cells import Bus, ensure_bus, write_cell
from munshi.provision.key_ring import KeyRing
from munshi.provision.nats_accounts import Operator
from munshi.provision.registry import entry_of, put_entry
from munshi_emulator.client import EmulatorClient
from munshi_migrations.bootstrap import Bootstrap, bootstrap
from rig.cells import ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN, credentials, tenant_document
from rig.kubernetes import RESTRICTED, Node
from rig.pods import DATA, manifests, pod, secret, service

NUMBER = "106540352242922"
PERSON = "919812345678"
PORTS = {"demo-nats": 4222, "demo-postgres": 5432, "emulator": 8010, "ingress": 8000, "orchestrator": 8000}
SERVICES = ("emulator", "ingress", "orchestrator")


@dataclass
class ByHand:
    """A platform of single pods in one namespace, with a local port to each of them."""

    node: Node
    namespace: str
    folder: Path
    opened: ExitStack
    ring: KeyRing = field(default_factory=KeyRing)
    ports: dict[str, int] = field(default_factory=dict)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Within the namespace."""
        return self.node.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def start_servers(self) -> None:
        """NATS with the platform's operator, and PostgreSQL."""
        operator = Operator.of(self.ring)
        config = NatsSettings(
            port=PORTS["demo-nats"],
            monitoring_port=8222,
            folder=Path(DATA),
            operator_jwt=operator.jwt(),
            system_account=operator.system_account.public,
            system_account_jwt=operator.system_account_jwt(),
        )
        self._start(
            secret("nats-config", {"nats.conf": render_config(config).replace("127.0.0.1", "0.0.0.0")}),
            pod("demo-nats", secrets={"/etc/nats": "nats-config"}, port=8222, path="/healthz"),
            service("demo-nats", PORTS["demo-nats"]),
            pod("demo-postgres", env={"POSTGRES_PASSWORD": self.ring.postgres_password}, port=5432, path=""),
            service("demo-postgres", PORTS["demo-postgres"]),
        )
        for name in ("demo-nats", "demo-postgres"):
            self.open(name)

    async def provision(self) -> None:
        """What the operator does on a cluster: schema, cell, tenant, registry entry."""
        password, port = self.ring.postgres_password, self.ports["demo-postgres"]
        wanted = Bootstrap("munshi", self.ring.database_admin_password)
        admin = await bootstrap(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", wanted)
        self.run_to_end("migrations", {"MUNSHI_DATABASE_URL": self._inside(admin, "demo-postgres")})
        bus = Bus(f"nats://127.0.0.1:{self.ports['demo-nats']}", Operator.of(self.ring))
        keys = self.ring.cell(POOL)
        await ensure_bus(bus, POOL, keys)
        url = await database.ensure_cell(admin, POOL, keys)
        entry = entry_of(tenant_document(phone_number_id=NUMBER), credentials(), keys, 1)
        await database.ensure_tenant(admin, entry)
        await put_entry(bus, keys, entry)
        folder = write_cell(self.folder, POOL, keys, bus, url)
        files = {file.name: file.read_text() for file in folder.iterdir()}
        files["nats-url"] = self._inside(files["nats-url"], "demo-nats")
        orchestrators = {**files, "database-url": self._inside(url, "demo-postgres")}
        del files["database-url"]  # ingress has no business there
        self.kubectl(
            "apply", "-f", "-",
            stdin=manifests(secret("cell-ingress", files), secret("cell-orchestrator", orchestrators)),
        )  # fmt: skip

    def _inside(self, url: str, server: str) -> str:
        """The same address as pods reach it."""
        return url.replace(f"127.0.0.1:{self.ports[server]}", f"{server}:{PORTS[server]}")

    def run_to_end(self, name: str, env: dict[str, str]) -> None:
        """A pod that does one thing."""
        self.kubectl("apply", "-f", "-", stdin=manifests(pod(name, env=env)))
        self.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=240s")

    def start_services(self) -> None:
        """Emulator, ingress, orchestrator."""
        common = {"MUNSHI_HOST": "0.0.0.0", "MUNSHI_LOG_LEVEL": "info"}
        graph = {"MUNSHI_GRAPH_URL": "http://emulator:8010"}
        cells = "/etc/munshi/cells/pool"
        emulator = {"MUNSHI_EMULATOR_HOST": "0.0.0.0", "MUNSHI_EMULATOR_DATA_DIR": DATA}
        self._start(
            pod("emulator", env=emulator, port=8010),
            pod("ingress", env=common, secrets={cells: "cell-ingress"}, port=8000),
            pod("orchestrator", env={**common, **graph}, secrets={cells: "cell-orchestrator"}, port=8000),
            *(service(name, PORTS[name]) for name in SERVICES),
        )
        for name in SERVICES:
            self.open(name)

    def _start(self, *objects: dict[str, object]) -> None:
        self.kubectl("apply", "-f", "-", stdin=manifests(*objects))
        names = [f"pod/{one['metadata']['name']}" for one in objects if one["kind"] == "Pod"]  # type: ignore[index]
        self.kubectl("wait", *names, "--for=condition=Ready", "--timeout=120s")

    def open(self, name: str) -> None:
        """A local port to a Service."""
        port = self.node.port(f"svc/{name}", PORTS[name], self.namespace)
        self.ports[name] = self.opened.enter_context(port)


@pytest.fixture(scope="module")
def by_hand(images: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    with images.namespace("by-hand", RESTRICTED) as namespace, ExitStack() as opened:
        made = ByHand(images, namespace, tmp_path_factory.mktemp("cells"), opened)
        made.start_servers()
        asyncio.run(made.provision())
        made.start_services()
        yield made


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_services_answer(by_hand: ByHand, name: str, path: str) -> None:
    url = f"http://127.0.0.1:{by_hand.ports[name]}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_conversation_through_the_pods(by_hand: ByHand) -> None:
    async with EmulatorClient(f"http://127.0.0.1:{by_hand.ports['emulator']}") as meta:
        await meta.put_number(
            NUMBER,
            waba_id="102290129340398",
            display_phone_number="+91 98765 43210",
            verified_name="Sharma Kirana",
            app_secret=APP_SECRET,
            access_tokens=[ACCESS_TOKEN],
            verify_token=VERIFY_TOKEN,
            webhook_url="http://ingress:8000/webhooks/whatsapp/shops_sharma-kirana",
        )
        assert (await meta.handshake(NUMBER))["verified"]
        await meta.say(NUMBER, PERSON, "Ramesh ko 500 ka maal udhaar diya")
        (answer,) = await meta.wait_for(
            1, person=PERSON, phone_number_id=NUMBER, direction="out", timeout_seconds=120
        )
    assert re.search(r"Ramesh.*500", answer["body"]["text"]["body"])


_LOOK = """
import importlib.util, os, pathlib, shutil, sys
def writable(path):
    try: pathlib.Path(path, "probe").write_text(""); return True
    except OSError: return False
print(os.getuid(), writable("/"), writable("/opt/munshi"), importlib.util.find_spec("pip"),
      [name for name in ("sh", "bash", "gcc", "cc", "pip", "apt", "dpkg") if shutil.which(name)])
"""


@pytest.mark.parametrize("name", SERVICES)
def test_services_run_as_nobody_with_nothing_to_work_with(by_hand: ByHand, name: str) -> None:
    told = by_hand.kubectl("exec", f"pod/{name}", "--", "/usr/bin/python3", "-c", _LOOK)
    assert told.strip() == "65532 False False None []"
