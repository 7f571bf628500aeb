"""From inside a tenant's own pod, with all that the pod is given: what it can reach, and what it cannot."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rig.installed import NAMESPACE, Installed, Shops
from rig.talk import Talk

PROGRAM = (Path(__file__).parent / "intruder.py").read_text()
OUTSIDE = {"cloud metadata": ("169.254.169.254", 80), "public": ("1.1.1.1", 443)}


def _pod(installed: Installed, shops: Shops, tenant: str, component: str) -> str:
    labels = f"app.kubernetes.io/instance={tenant},app.kubernetes.io/component={component}"
    return str(installed.pods(labels, shops.namespace)[0]["metadata"]["name"])


def _addresses(installed: Installed, shops: Shops) -> dict[str, tuple[str, int]]:
    """Every pod of the platform and of every tenant, and the API server."""
    api = installed.objects("service", "default", "component=apiserver")[0]["spec"]
    addresses = {"api server": (api["clusterIP"], api["ports"][0]["port"]), **OUTSIDE}
    for namespace in (NAMESPACE, shops.namespace):
        for pod in installed.pods("app.kubernetes.io/part-of=munshi", namespace):
            meta, ip = pod["metadata"], pod["status"].get("podIP")
            for container in pod["spec"]["containers"]:
                for port in container.get("ports", ()) if pod["status"]["phase"] == "Running" else ():
                    addresses[f"{meta['name']}:{port['name']}"] = (ip, port["containerPort"])
    return addresses


def _told(installed: Installed, shops: Shops, pod: str, other: str) -> Any:
    tenants = {one["metadata"]["name"]: one for one in installed.objects("wat", shops.namespace)}
    cell = tenants[other]["status"]["cell"]
    asked = {
        "addresses": _addresses(installed, shops),
        "other_tenant": f"{shops.namespace}_{other}",
        "other_cell": cell,
        "other_role": installed.sql(f"select role_name from cells where cell = '{cell}'")[0][0],
    }
    return json.loads(installed.python(pod, shops.namespace, PROGRAM, json.dumps(asked)))


@pytest.fixture(scope="module", autouse=True)
def messages(installed: Installed, shops: Shops) -> None:
    """Both tenants have rows."""

    async def talk() -> None:
        async with installed.emulator() as meta:
            said = Talk(meta, [shops.numbers[name] for name in shops.dedicated], people=1)
            await said.wave()
            await said.answered()

    asyncio.run(talk())


@pytest.fixture(scope="module")
def orchestrator(installed: Installed, shops: Shops) -> Any:
    """What the orchestrator of the first dedicated tenant says of itself, asked about the second."""
    mine, other = shops.dedicated
    return _told(installed, shops, _pod(installed, shops, mine, "orchestrator"), other)


@pytest.fixture(scope="module")
def ingress(installed: Installed, shops: Shops) -> Any:
    """The same of its ingress."""
    mine, other = shops.dedicated
    return _told(installed, shops, _pod(installed, shops, mine, "ingress"), other)


def test_an_orchestrator_reaches_what_it_needs_and_nothing_else(orchestrator: Any) -> None:
    assert sorted(orchestrator["reached"]) == [
        "munshi-demo-emulator-0:http",  # stands for Meta
        "munshi-demo-nats-0:nats",
        "munshi-demo-postgres-0:postgres",
    ]


def test_an_ingress_reaches_the_bus_alone(ingress: Any) -> None:
    assert ingress["reached"] == ["munshi-demo-nats-0:nats"]
    assert ingress["database"] is None  # it is given no address of one


def test_pods_hold_no_token_of_the_api_server(orchestrator: Any, ingress: Any) -> None:
    assert orchestrator["token"] is ingress["token"] is False


def test_the_database_shows_a_tenant_its_own_rows_alone(orchestrator: Any, shops: Shops) -> None:
    database = orchestrator["database"]
    assert database["own_rows"] > 0
    assert database["rows_of_the_other"] == 0
    assert database["tenants"] == [f"{shops.namespace}_{shops.dedicated[0]}"]
    assert database["written"] == "InsufficientPrivilegeError"
    assert database["role_of_the_other"] == "InsufficientPrivilegeError"
    assert database["login_of_the_other"] == "InvalidPasswordError"
    assert database["passwords"] == "InsufficientPrivilegeError"


def test_the_bus_shows_a_tenant_its_own_streams_alone(orchestrator: Any, ingress: Any) -> None:
    for told in (orchestrator, ingress):
        assert told["bus"]["other_stream"] is False
        assert told["bus"]["other_registry"] is False
        assert told["bus"]["published_to_other"] is False
        assert told["bus"]["heard"] == 0
        assert told["bus"]["system"] is False
        assert told["bus"]["own_stream_deleted"] is False
    assert orchestrator["bus"]["own_stream"] is True
