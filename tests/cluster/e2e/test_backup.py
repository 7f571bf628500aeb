"""docs/backup.md, rehearsed: the page's own commands, run as they stand there."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from chart.programs import program
from rig.installed import SECONDS, Installed, Shops
from rig.kubernetes import ROOT
from rig.talk import Talk

PAGE = (ROOT / "docs" / "backup.md").read_text()
BALANCE = "Ramesh ka kitna baaki hai?"


def _commands(heading: str) -> list[str]:
    """The blocks of commands under a heading, in order."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [
        re.sub(r"^   ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"```\n(.*?)```", section, re.DOTALL)
    ]


class Desk:
    """Where an administrator sits: the chart, kubectl and helm on the path, a folder for files."""

    def __init__(self, installed: Installed, folder: Path) -> None:
        self.folder = folder
        (folder / "helm").symlink_to(ROOT / "helm")
        programs = folder / "bin"
        programs.mkdir()
        (programs / "kubectl").symlink_to(installed.node.kubectl_program)
        (programs / "helm").symlink_to(program("helm"))
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "KUBECONFIG": str(installed.node.kubeconfig),
            "N": "munshi",
        }

    def run(self, commands: str) -> None:
        """Types them in; ends at the first that fails.

        Raises:
            AssertionError: one failed; with what it said.
        """
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=3 * SECONDS,
        )
        if done.returncode:
            raise AssertionError(f"{commands}\n{done.stdout}{done.stderr}")


@pytest.fixture
def desk(installed: Installed, tmp_path: Path) -> Desk:
    return Desk(installed, tmp_path)


async def _asked_for_the_balance(installed: Installed, shops: Shops, person: str) -> dict[str, str]:
    """What each tenant answers."""
    answers = {}
    async with installed.emulator() as meta:
        for name, number in shops.numbers.items():
            wamid = await meta.say(number, person, BALANCE)
            after = (await meta.trace(wamid))["message"]["seq"]
            (answer,) = await meta.wait_for(
                1, phone_number_id=number, person=person, direction="out", after=after, timeout_seconds=90
            )
            answers[name] = json.dumps(answer["body"].get("text", answer["body"]), ensure_ascii=False)
    return answers


async def test_the_bus_is_lost_with_all_its_files_and_brought_back(
    installed: Installed, shops: Shops, desk: Desk
) -> None:
    lost, at_once = _commands("NATS is lost")
    await asyncio.to_thread(desk.run, lost)
    await asyncio.to_thread(desk.run, at_once)
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()))
        await talk.wave()
        await talk.answered()


async def test_the_database_is_lost_and_restored(installed: Installed, shops: Shops, desk: Desk) -> None:
    async with installed.emulator() as meta:
        talk = Talk(meta, list(shops.numbers.values()), people=1)
        await talk.wave()
        await talk.answered()
    person = next(iter(talk.asked))[1]
    before = await _asked_for_the_balance(installed, shops, person)
    key, tenants, dump = _commands("Back up")
    await asyncio.to_thread(desk.run, "\n".join((key, tenants, dump)))
    stop, restore, start = _commands("PostgreSQL is lost")
    await asyncio.to_thread(desk.run, stop)
    async with installed.emulator() as talk.meta:
        await talk.wave()  # taken by ingress while nobody works
    lost, _ = _commands("NATS is lost")
    gone = lost.replace("munshi-demo-nats", "munshi-demo-postgres")
    await asyncio.to_thread(desk.run, gone)
    await asyncio.to_thread(desk.run, restore)
    await asyncio.to_thread(desk.run, start)
    async with installed.emulator() as talk.meta:
        await talk.answered()
    after = await _asked_for_the_balance(installed, shops, person)
    # 101 of before the backup is there, and 102 of after it came from the bus.
    assert all("101" in said for said in before.values())
    assert all("203" in said for said in after.values()), after
