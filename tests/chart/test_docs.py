"""What the pages for operators tell people to type, and the names that they use, are real."""

import re
from pathlib import Path

import asyncpg
import pytest

from chart.programs import CHART, ROOT
from munshi.inference import InferenceSettings
from munshi.llm.settings import LlmSettings
from munshi_ingress.settings import IngressSettings
from munshi_media.settings import MediaSettings
from munshi_migrations import head, upgrade
from munshi_operator.bootstrap import BootstrapSettings
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.settings import OperatorSettings
from munshi_orchestrator.settings import OrchestratorSettings
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
