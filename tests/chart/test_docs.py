"""What the pages for operators tell people to type, and the names that they use, are real."""

import functools
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from chart.cases import CASES
from chart.programs import CHART, ROOT
from chart.rendering import EXISTING, merged, render
from munshi.inference import InferenceSettings
from munshi.llm.settings import LlmSettings
from munshi_ingress.settings import IngressSettings
from munshi_media.settings import MediaSettings
from munshi_migrations import head, upgrade
from munshi_operator.bootstrap import BootstrapSettings
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.settings import OperatorSettings
from munshi_orchestrator.settings import OrchestratorSettings
from rig.golden import GOLDEN
from rig.servers import Servers

DOCS = ROOT / "docs"
_NAMES = ("install", "upgrade", "backup", "sizing", "security", "conditions", "pgbouncer")
PAGES = sorted([*(DOCS / "runbooks").glob("*.md"), *(DOCS / f"{name}.md" for name in _NAMES)])
_SETTINGS = (
    *(OperatorSettings, OutsideSettings, BootstrapSettings, OrchestratorSettings, IngressSettings),
    *(MediaSettings, InferenceSettings, LlmSettings),
)

_KEYS = {"operator.conf", "operator.jwt"}
"""Of the Secret `munshi-nats`; they look like values."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_are_those_of_the_programs(page: Path) -> None:
    real = {
        f"{cls.model_config.get('env_prefix', '')}{name}".upper()
        for cls in _SETTINGS
        for name in cls.model_fields
    }
    named = set(re.findall(r"`(MUNSHI_[A-Z_]+)", page.read_text()))
    assert named <= real


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_values_are_those_of_the_chart(page: Path) -> None:
    known = (ROOT / "docs" / "reference" / "helm-values.md").read_text()
    tops = "|".join(re.findall(r"^([a-zA-Z]+):", (CHART / "values.yaml").read_text(), re.MULTILINE))
    for value in re.findall(rf"`((?:{tops})\.[A-Za-z.]+)[`=:]", page.read_text()):
        if value not in _KEYS:
            assert f"`{value}" in known, value


def test_sums_of_sizing_begin_with_the_defaults() -> None:
    text = (DOCS / "sizing.md").read_text()
    values = yaml.safe_load((CHART / "values.yaml").read_text())["tenants"]
    ingress, orchestrator = values["ingress"], values["orchestrator"]
    pods = [(ingress["replicas"], ingress), (orchestrator["replicas"], orchestrator)]
    memory = [int(one["resources"]["requests"]["memory"].removesuffix("Mi")) for _, one in pods]
    cpu = [int(one["resources"]["requests"]["cpu"].removesuffix("m")) for _, one in pods]
    assert [count for count, _ in pods] == [2, 1]
    assert f"2 × {cpu[0]} m + {cpu[1]} m = {2 * cpu[0] + cpu[1]} m" in text
    assert f"2 × {memory[0]} + {memory[1]} = {2 * memory[0] + memory[1]} MiB" in text
    made = OutsideSettings()
    for sizes in (
        (made.tenant_event_bytes, made.tenant_dead_bytes, made.tenant_registry_bytes),
        (made.pool_event_bytes, made.pool_dead_bytes, made.pool_registry_bytes),
    ):
        parts = [f"{size // 1024**2:,}" for size in sizes]
        assert f"{' + '.join(parts)} = {sum(sizes) // 1024**2:,} MiB" in text
    lanes, pooled = made.tenant_partitions, made.pool_partitions
    assert f"3 streams + {lanes + 1} consumers ({lanes} lanes, dead letters) = {lanes + 4}" in text
    assert f"3 streams + {pooled + 1} consumers = {pooled + 4}" in text


@functools.cache
def everything() -> list[dict[str, Any]]:
    """All objects of a release that has all parts, of a demo, and of the tenants' golden files."""
    sets = (CASES[name] for name in ("an object store", "model servers", "demo"))
    made = [one for values in sets for one in render(values).objects]
    golden = [one for file in GOLDEN.glob("*.yaml") for one in yaml.safe_load_all(file.read_text()) if one]
    return [*made, *golden]


def test_commands_name_objects_that_there_are() -> None:
    there = {(one["kind"].lower(), one["metadata"]["name"]) for one in everything()}
    kinds = "deployment|statefulset|service|job"
    pattern = rf"\b({kinds})[/ ](munshi[a-z0-9-]*)|\b({kinds})(?: munshi[a-z-]*)+ (munshi[a-z0-9-]*)"
    named = {
        (kind or other, name or last): page.stem
        for page in PAGES
        for kind, name, other, last in re.findall(pattern, page.read_text())
    }
    assert len(named) >= 8
    assert {one: page for one, page in named.items() if one not in there} == {}


@pytest.mark.parametrize("page", sorted((DOCS / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_commands_of_runbooks_say_where(page: Path) -> None:
    """They are pasted at night, by somebody whose own namespace is another one."""
    said = re.compile(r" -n | -A\b|--raw|auth can-i|apply -f -")  # the last: as the manifest says
    for command in re.findall(r"kubectl [^\s`]+ [^`\n|]+", page.read_text()):
        assert said.search(command), command


def test_commands_choose_by_labels_that_pods_have() -> None:
    pods = [one.get("spec", {}).get("template", {}).get("metadata", {}) for one in everything()]
    labels = {f"{key}={value}" for pod in pods for key, value in (pod.get("labels") or {}).items()}
    pattern = r"app\.kubernetes\.io/(?!managed-by)[a-z-]+=[a-z-]+"
    asked = {label for page in PAGES for label in re.findall(pattern, page.read_text())}
    assert len(asked) >= 4
    assert asked <= labels


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```yaml\n" in page.read_text()], ids=lambda one: one.stem
)
def test_values_on_the_pages_are_taken(page: Path) -> None:
    blocks = [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    whole = next((one for one in blocks if "database" in one), EXISTING)
    for values in blocks:
        render(merged(whole, values))


def statements() -> list[str]:
    """SQL for people to type, within backquotes."""
    found = [one for page in PAGES for one in re.findall(r"`((?:SELECT|UPDATE) [^`]+;)`", page.read_text())]
    assert len(found) >= 2
    return found


@pytest.mark.parametrize("statement", statements())
async def test_statements_run(statement: str, servers: Servers, database: str) -> None:
    person = servers.admin_url if statement.startswith("UPDATE") else servers.munshi_admin_url
    connection = await asyncpg.connect(person(database))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_roles_made_by_hand_are_enough(own_servers: Servers) -> None:
    """The SQL of install.md on a bare server, then the migrations as `munshi_admin`."""
    text = (DOCS / "install.md").read_text()
    first, _, inside = text[text.index("```sql") + 6 :].split("```")[0].partition("\\c munshi")
    password = own_servers.ring.database_admin_password
    server = await asyncpg.connect(own_servers.admin_url())
    for statement in first.replace("PASSWORD '…'", f"PASSWORD '{password}'").split(";"):
        if statement.strip():
            await server.execute(statement)
    await server.close()
    database = await asyncpg.connect(own_servers.admin_url("munshi"))
    await database.execute(inside)
    await database.close()
    assert await upgrade(own_servers.munshi_admin_url("munshi")) == head()
