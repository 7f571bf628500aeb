"""`python -m munshi_migrations` as the chart's job runs it."""

import os
import subprocess
import sys
import uuid

from munshi_migrations import head
from rig.fixtures import run_as_superuser
from rig.ports import free_port
from rig.servers import Servers


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The program with these addresses."""
    return subprocess.run(
        [sys.executable, "-m", "munshi_migrations", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


async def test_makes_everything_on_a_bare_server_and_may_run_again(own_servers: Servers) -> None:
    # On a server of its own: the program sets munshi_admin's password, which is one for the whole server.
    database = f"job_{uuid.uuid4().hex[:12]}"
    addresses = {
        "MUNSHI_SUPERUSER_URL": own_servers.admin_url(),
        "MUNSHI_DATABASE_URL": own_servers.munshi_admin_url(database),
    }
    try:
        first = run("upgrade", "--wait", "20", **addresses)
        assert (first.returncode, first.stdout) == (0, f"schema empty -> {head()}\n"), first.stderr
        again = run("upgrade", "--wait", "20", **addresses)
        assert (again.returncode, again.stdout) == (0, f"schema {head()}, nothing to do\n"), again.stderr
    finally:
        await run_as_superuser(own_servers, f'drop database if exists "{database}" with (force)')


def test_says_that_the_server_does_not_answer() -> None:
    url = f"postgresql://munshi_admin:secret@127.0.0.1:{free_port()}/munshi"
    done = run("upgrade", "--wait", "0.2", MUNSHI_DATABASE_URL=url)
    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert "secret" not in done.stderr
