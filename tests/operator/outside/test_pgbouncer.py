"""Cells' roles through a real PgBouncer, which knows no list of users."""

import base64
import hashlib
import hmac
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from munshi.errors import UserMistake
from munshi.provision.cells import as_user
from munshi.provision.scram import scram_verifier
from munshi_operator.outside.opening import read_master_key
from munshi_operator.outside.pgbouncer import userlist
from munshi_operator.settings import OperatorSettings
from rig.outside import MASTER, Rig
from rig.ports import free_port
from rig.waiting import eventually

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def test_a_verifier_is_that_of_the_rfc() -> None:
    """RFC 7677, section 3: user `user`, password `pencil`, salt and 4,096 rounds as there.

    The RFC gives the proof of a login; it is what the verifier's stored key must let in.
    """
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    verifier = scram_verifier("pencil", salt)
    stored, server = (base64.b64decode(one) for one in verifier.split("$")[2].split(":"))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    said = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(stored, said.encode(), "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored
    assert base64.b64encode(hmac.digest(server, said.encode(), "sha256")) == (
        b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


def test_the_line_for_the_user_list_needs_the_master_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(MASTER.secret.hex())
    environment = {**os.environ, "MUNSHI_OPERATOR_MASTER_KEY_FILE": str(key)}
    command = [sys.executable, "-m", "munshi_operator.outside.pgbouncer"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == userlist(MASTER)
    with pytest.raises(UserMistake, match="cannot be read"):
        read_master_key(OperatorSettings(master_key_file=tmp_path / "none"))


@contextmanager
def pgbouncer(rig: Rig) -> Iterator[int]:
    """A PgBouncer before the rig's server; its port."""
    if PROGRAM is None:
        pytest.skip("needs the program pgbouncer (make system-packages)")
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    folder.chmod(0o755)
    port, server = free_port(), urlsplit(rig.admin_url)
    (folder / "users").write_text(userlist(MASTER))
    (folder / "ini").write_text(
        f"[databases]\n{rig.database} = host={server.hostname} port={server.port}\n"
        "[pgbouncer]\nlisten_addr = 127.0.0.1\nunix_socket_dir =\nauth_type = scram-sha-256\n"
        "auth_user = munshi_pgbouncer\nauth_query = SELECT usename, passwd FROM cell_verifier($1)\n"
        f"auth_file = {folder / 'users'}\npool_mode = transaction\nlisten_port = {port}\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    log = (folder / "log").open("w")
    user = "nobody" if os.geteuid() == 0 else None
    process = subprocess.Popen([PROGRAM, str(folder / "ini")], stdout=log, stderr=log, user=user)
    try:
        yield port
    except BaseException:
        sys.stderr.write((folder / "log").read_text()[-3000:])
        raise
    finally:
        process.kill()
        process.wait()
        log.close()
        shutil.rmtree(folder)


async def test_a_cells_role_is_let_in_and_sees_its_tenant_and_others_are_not(rig: Rig) -> None:
    want, other = rig.want(), rig.want("other")
    await rig.outside.ensure(want)
    with pgbouncer(rig) as port:
        access = await rig.outside.access(want.cell)
        parts = urlsplit(access.database_url)
        url = access.database_url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")

        async def seen(url: str) -> list[str]:
            connection = await asyncpg.connect(url, statement_cache_size=0, timeout=60)
            try:
                return [row[0] for row in await connection.fetch("select tenant from tenants")]
            finally:
                await connection.close()

        async def up() -> bool:
            try:
                return await seen(url) == [want.object.key]
            except OSError:
                return False

        await eventually(up)
        # a tenant that is made later needs no word to PgBouncer
        await rig.outside.ensure(other)
        later = (await rig.outside.access(other.cell)).database_url
        assert await seen(later.replace(f":{parts.port}/", f":{port}/")) == [other.object.key]
        for user, password in (
            (parts.username or "", "wrong"),
            ("munshi_admin", rig.servers.ring.database_admin_password),
            ("postgres", "postgres"),
        ):
            with pytest.raises(asyncpg.PostgresError):
                await seen(as_user(url, user, password))


async def test_pgbouncers_own_role_sees_verifiers_of_cells_and_no_row(rig: Rig) -> None:
    want = rig.want()
    await rig.outside.ensure(want)
    url = as_user(rig.admin_url, "munshi_pgbouncer", MASTER.pgbouncer_password())
    connection = await asyncpg.connect(url)
    ask = "select passwd from cell_verifier($1)"
    try:
        role = rig.outside.database.role(want.cell)
        kept = await rig.db.fetchval("select rolpassword from pg_authid where rolname = $1", role)
        assert await connection.fetchval(ask, role) == kept == MASTER.database_verifier(want.cell)
        for nobody in ("munshi_admin", "postgres", "munshi_pgbouncer", "none"):
            assert await connection.fetchval(ask, nobody) is None
        for table in ("tenants", "cell_logins", "users", "outbox"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select * from {table}")
        await rig.outside.withdraw(want)
        assert await connection.fetchval(ask, role) is None
    finally:
        await connection.close()
