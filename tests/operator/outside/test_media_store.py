"""What media services are given to keep files with, on a real MinIO: what the operator writes opens a cell's
files and no others, and a tenant's files come along when it moves."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from munshi.cells import ObjectStoreAddress
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.errors import MunshiError, Permanent, Retryable
from munshi.objects import ObjectStore
from munshi_operator.builders.access import cell_files
from munshi_operator.builders.names import MEDIA
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.outside.storage import S3Storage, Storage, open_storage
from rig.object_stores import BUCKET, ROOT_KEY, ROOT_SECRET
from rig.outside import MASTER, Rig
from rig.services import Services

SHOP = TenantKey("shops_sharma")
OWN = CellName(SHOP)
OTHER = CellName("shops_verma")


def opened(storage: Storage, cell: CellName) -> ObjectStore:
    """As the media service opens what its Secret says."""
    return ObjectStore(ObjectStoreAddress.model_validate_json(storage.address(cell) or ""))


async def test_files_come_along_when_a_tenant_moves(storage: Storage) -> None:
    for cell in (POOL, OWN):
        assert await storage.ensure(cell)
    before = opened(storage, POOL).of(SHOP)
    names = [f"{number:02x}/{number:064x}" for number in range(30)]
    for name in names:
        await before.put(name, name.encode(), "image/jpeg")
    await storage.move(SHOP, POOL, OWN)
    after = opened(storage, OWN).of(SHOP)
    assert sorted([one for number in range(30) for one in await after.list(f"{number:02x}")]) == names
    assert await after.get(names[7]) == names[7].encode()
    assert await before.get_or_none(names[7]) is None
    await storage.move(SHOP, POOL, OWN)  # a move that is taken up again
    assert await after.get(names[29]) == names[29].encode()


async def test_a_cell_that_is_shut_out_opens_nothing_until_it_is_served_again(storage: Storage) -> None:
    await storage.ensure(OTHER)
    mine = opened(storage, OTHER).of("shops_verma")
    await mine.put("ab/one", b"one")
    await storage.shut_out(OTHER)
    with pytest.raises(MunshiError):
        await opened(storage, OTHER).of("shops_verma").get("ab/one")
    await storage.ensure(OTHER)
    assert await opened(storage, OTHER).of("shops_verma").get("ab/one") == b"one"


def speaking_to(endpoint: str, secret: str) -> Storage:
    """The operator's own code with a key of its own."""
    settings = OutsideSettings(
        object_store_endpoint=endpoint,
        object_store_access_key=ROOT_KEY,
        object_store_secret_key=SecretStr(secret),
    )
    return open_storage(f"s3://{BUCKET}", settings, MASTER)


async def test_a_store_that_refuses_the_operators_key_is_told(storage: S3Storage) -> None:
    with pytest.raises(Permanent, match="its key may make users and policies"):
        await speaking_to(storage.endpoint, "another-secret").ensure(OWN)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_store_that_is_busy_or_still_starting_is_asked_again(status: int) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.json_response({"Code": "XMinioServerNotInitialized", "Message": "later"}, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", busy)
    async with TestServer(app) as server:
        with pytest.raises(Retryable, match="does not answer"):
            await speaking_to(str(server.make_url("/")), ROOT_SECRET).ensure(OWN)


@pytest.mark.parametrize("isolation", ["Dedicated", "Pooled"])
async def test_a_media_service_serves_with_its_secret_and_no_more(
    rig: Rig, services: Services, storage: Storage, isolation: str
) -> None:
    rig.outside.storage = storage
    want = rig.want("sharma", isolation)
    report = await rig.outside.ensure(want)
    assert (report.storage.ok, report.storage.reason) == (True, "Ready")
    files = cell_files(await rig.outside.access(want.cell), MEDIA)
    assert "database-url" not in files
    folder = rig.folder / "media" / want.cell
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    media = services.start("media", {"MUNSHI_CELLS_DIR": str(folder.parent), "MUNSHI_OCR_PROCESSES": "1"})
    media.wait_ready()  # the bus lets it in, the registry is read, the store answers its key
    assert media.answers(f"/served/{want.object.key}")
    services.stop_all()


@pytest.mark.parametrize(
    ("url", "says"),
    [("file:///data/objects", "Ready"), ("pod:///data/objects", "ForTrial")],
)
async def test_a_folder_is_told_with_the_cells_part_of_it(url: str, says: str) -> None:
    made = open_storage(url, OutsideSettings(), MASTER)
    address = ObjectStoreAddress.model_validate_json(made.address(OWN) or "")
    assert (address.url, address.prefix) == ("file:///data/objects", f"cells/{OWN}/")
    assert (made.part().ok, made.part().reason) == (True, says)


@pytest.mark.parametrize("url", ["", "s3://media"])
def test_without_users_no_media_service_is_told_of_a_store(url: str) -> None:
    made = open_storage(url, OutsideSettings(), MASTER)
    assert made.address(OWN) is None
    assert "no media service runs" in made.part().message


async def test_the_operator_leaves_the_pods_own_volumes_alone(tmp_path: Path) -> None:
    made = open_storage(f"pod://{tmp_path}", OutsideSettings(), MASTER)
    assert await made.ensure(OWN) == []
    await made.move(SHOP, POOL, OWN)
    await made.erase(POOL, SHOP)
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240 (an empty folder of the test)
