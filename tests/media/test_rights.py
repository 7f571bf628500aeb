"""On a cluster the media service has a NATS user of its own, that may do its work and nothing else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nats.errors
import pytest
from nats.aio.client import Client, RawCredentials
from nats.js.errors import Error as JetStreamError

from media import files
from media.stage import Stage, heard, make_engines
from munshi.bus.connection import connected
from munshi.cells import load_cell
from munshi.contracts.media import MediaAnswer, Verb
from munshi.contracts.subjects import event_stream, inbound_all, media_all, registry_bucket
from munshi.contracts.tenant import POOL
from munshi.provision.cell_rights import cell_creds, media_creds
from munshi_emulator.testing import EmulatorProcess
from rig.outside import MASTER, derived_ring
from rig.servers import Servers
from rig.services import Services
from rig.waiting import eventually


@pytest.fixture
def cluster_stage(meta: EmulatorProcess, tmp_path: Path, services: Services) -> Iterator[Stage]:
    """A service with the credentials that the operator would mount."""
    servers = Servers(tmp_path / "nats", derived_ring())
    servers.nats.start()
    engines = make_engines(tmp_path / "engines", "documents", "speech", "voices")
    stage = Stage(tmp_path, servers, meta, services, engines)
    stage.cells.keys[POOL] = MASTER.cell(POOL)
    try:
        yield stage
    finally:
        services.stop_all()
        servers.nats.kill()


async def test_with_its_own_user_it_does_its_work(cluster_stage: Stage) -> None:
    stage = cluster_stage
    await stage.cells.add(POOL)
    creds = stage.cells.folder / POOL / "nats.creds"
    creds.write_text(media_creds(MASTER, POOL))
    await asyncio.to_thread(stage.start().wait_ready)
    shop = await stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    # Who asks has the orchestrator's user.
    mine = stage.folder / "asker" / POOL
    mine.mkdir(parents=True)
    for path in (stage.cells.folder / POOL).iterdir():
        (mine / path.name).write_text(path.read_text())
    (mine / "nats.creds").write_text(cell_creds(MASTER, POOL).services)
    async with connected(load_cell(mine), "test") as connection:
        answer, _ = await heard(connection, Verb.READ, request, 40)
    assert isinstance(answer, MediaAnswer), answer
    assert answer.document is not None


async def test_a_stolen_media_pod_reads_and_writes_nothing_else(cluster_stage: Stage) -> None:
    stage = cluster_stage
    await stage.cells.add(POOL)
    refused: list[str] = []

    async def note(error: Exception) -> None:
        refused.append(str(error).lower())

    thief = Client()
    await thief.connect(
        stage.servers.nats_program.url,
        user_credentials=RawCredentials(media_creds(MASTER, POOL)),
        error_cb=note,
        inbox_prefix=f"_INBOX_{POOL}",
        allow_reconnect=False,
    )
    try:
        js = thief.jetstream(timeout=1)
        for attempt in (
            js.publish(f"munshi.{POOL}.in.shops_x.000.c", b"{}"),
            js.stream_info(event_stream(POOL)),
            js.purge_stream(f"KV_{registry_bucket(POOL)}"),
            js.get_msg(event_stream(POOL), 1),
        ):
            with pytest.raises((nats.errors.Error, JetStreamError, TimeoutError)):
                await attempt
        await thief.publish(f"$KV.{registry_bucket(POOL)}.shops_x", b"mine")
        await thief.subscribe(inbound_all(POOL))
        await thief.flush()
        # The client hands refusals on when it comes to it.
        for what in (
            f'publish to "munshi.{POOL}.in.shops_x.000.c"',
            'publish to "$kv.',
            f'subscription to "munshi.{POOL}.in.>"',
        ):
            await eventually(lambda w=what: any(w in line for line in refused), what)  # type: ignore[misc]
        assert not any(media_all(POOL) in line for line in refused)
    finally:
        await thief.close()
