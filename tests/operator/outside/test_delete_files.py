"""A person's files are deleted by hand, in a pod of the operator: as much of it as needs no cluster."""

import asyncio
from pathlib import Path

import pytest

from munshi.contracts.ids import TenantKey
from munshi.errors import UserMistake
from munshi.sealing import lookup_hash
from munshi_operator import delete_files
from munshi_operator.settings import OperatorSettings
from rig.outside import MASTER, Rig
from rig.waiting import eventually

PHONE = "919820000001"


@pytest.fixture
def settings(rig: Rig, tmp_path: Path) -> OperatorSettings:
    """What the operator's pod has."""
    return OperatorSettings(master_key_file=tmp_path / "master-key", database_url=rig.admin_url)


async def person(rig: Rig, tenant: TenantKey) -> int:
    """Somebody who sent two pictures, of which an entry was made, and wrote a text."""
    key = bytes.fromhex(MASTER.tenant(tenant).lookup_key)
    user: int = await rig.db.fetchval(
        "insert into users (tenant, name) values ($1, 'Ravi') returning id", tenant
    )
    hashed = lookup_hash(key, "phone", PHONE)
    await rig.db.execute(
        "insert into user_identities (tenant, kind, hash, sealed, user_id) values ($1, 'phone', $2, 'x', $3)",
        tenant,
        hashed,
        user,
    )
    talk = await rig.db.fetchval(
        "insert into conversations (tenant, phone_number_id, user_id) values ($1, '1', $2) returning id",
        tenant,
        user,
    )
    for message, kind in (("wamid.A", "image"), ("wamid.B", "image"), ("wamid.C", "text")):
        await rig.db.execute(
            "insert into inbound_messages (tenant, message_id, conversation_id, type, body, disposition,"
            " received_at) values ($1, $2, $3, $4, '{}', 'turn', now())",
            tenant,
            message,
            talk,
            kind,
        )
        if kind == "image":
            await rig.db.execute(
                "insert into attachments (tenant, message_id, kind, object_key, sha256, mime_type, size,"
                " text) values ($1, $2, 'image', 'aa/aa', 'aa', 'image/jpeg', 300000, 'TOTAL 640')",
                tenant,
                message,
            )
    return user


async def test_a_persons_files_are_deleted_and_said(
    rig: Rig, settings: OperatorSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    want = rig.want("sharma")
    await rig.outside.ensure(want)
    tenant = want.object.key
    user = await person(rig, tenant)
    who = ("--tenant", "shops/sharma", "--person", f"+{PHONE}")

    await delete_files.run(who, settings)
    told = capsys.readouterr().out
    assert "2 files (0.6 MB) of 2 messages, what was read of 2" in told
    assert "nothing was deleted; --yes does it" in told
    assert await rig.db.fetchval("select count(*) from attachments") == 2

    async def asked() -> bool:
        return bool(await rig.db.fetchval("select count(*) from erasures") == 2)

    deleting = asyncio.create_task(delete_files.run((*who, "--yes"), settings))
    await eventually(asked)
    assert not deleting.done(), "the bytes are waited for"
    await rig.db.execute("update erasures set done_at = now()")  # what the tenant's orchestrator does
    await deleting
    assert "deleted the files of 2 messages: what was read of 2" in capsys.readouterr().out
    assert await rig.db.fetchval("select count(*) from attachments") == 0
    kept = await rig.db.fetch("select message_id from inbound_messages where body is not null")
    assert [row["message_id"] for row in kept] == ["wamid.C"]

    await delete_files.run(("--tenant", "shops/sharma", "--user", str(user)), settings)
    assert "0 files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tenant", "whose", "why"),
    [
        ("shops/sharma", ("--person", "+91 98200 00009"), "nobody has written"),
        ("shops/sharma", ("--person", "Ravi"), "no phone number"),
        ("shops/sharma", ("--user", "12345"), "has no user 12345"),
        ("shops/nobody", ("--message", "wamid.A"), "shops/nobody is not served"),
    ],
)
async def test_who_is_not_known_is_said(
    rig: Rig, settings: OperatorSettings, tenant: str, whose: tuple[str, str], why: str
) -> None:
    await rig.outside.ensure(rig.want("sharma"))
    with pytest.raises(UserMistake, match=why):
        await delete_files.run(("--tenant", tenant, *whose, "--yes"), settings)


def test_wrong_use_is_2() -> None:
    for arguments in ((), ("--tenant", "shops/sharma"), ("--tenant", "x", "--user", "1", "--message", "y")):
        with pytest.raises(SystemExit) as ended:
            delete_files.parser().parse_args(arguments)
        assert ended.value.code == 2
