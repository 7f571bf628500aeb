"""The object store: a folder, and real S3 servers with users and policies as the operator makes them."""

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from minio.error import S3Error
from pydantic import SecretStr

from media import files
from media.stage import Stage, make_engines, original
from munshi.cells import ObjectStoreAddress, load_cell
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.media import MediaAnswer, MediaFailure, SignRequest, Verb
from munshi.errors import Permanent, Retryable
from munshi.objects import ObjectMissing, ObjectStore, StoreRefused
from munshi.provision.derived_keys import MasterKey
from munshi.provision.object_store import bucket_address, folder_address, object_store_text
from munshi_emulator.testing import EmulatorProcess
from munshi_operator.outside.policies import cell_policy, user_of
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.outside.storage import Storage, open_storage
from rig.object_stores import BUCKET, ROOT_KEY, ROOT_SECRET, MinioServer, S3Server, VersityServer, running
from rig.servers import Servers
from rig.services import Services

MASTER = MasterKey(bytes(range(7, 39)))
CELLS = (CellName("pool"), CellName("shops_sharma"), CellName("shops_sharma-two"))


def storage_of(server: S3Server) -> Storage:
    """The operator's own code over a server."""
    settings = OutsideSettings(
        object_store_endpoint=server.endpoint,
        object_store_access_key=ROOT_KEY,
        object_store_secret_key=SecretStr(ROOT_SECRET),
    )
    return open_storage(f"s3://{BUCKET}", settings, MASTER)


def address_on(server: S3Server, cell: CellName, keys_of: CellName | None = None) -> ObjectStoreAddress:
    """A cell's place, opened with its own keys or those of another."""
    owner = keys_of or cell
    return bucket_address(
        f"s3://{BUCKET}",
        cell,
        endpoint=server.endpoint,
        region="us-east-1",
        access_key=user_of(owner),
        secret_key=MASTER.storage_secret(owner),
    )


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """MinIO, with users and policies made by the operator's own code."""
    made = MinioServer(tmp_path_factory.mktemp("minio"))
    with running(made):
        for cell in CELLS:
            asyncio.run(storage_of(made).ensure(cell))
        yield made


@pytest.fixture(scope="module")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """versitygw, with the operator's policies on its bucket."""
    made = VersityServer(tmp_path_factory.mktemp("versitygw"))
    with running(made):
        for cell in CELLS:
            made.add_user(user_of(cell), MASTER.storage_secret(cell))
        made.allow({user_of(cell): cell_policy(BUCKET, cell) for cell in CELLS})
        yield made


@pytest.fixture(params=["minio", "versitygw"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """A real S3 server with a user and a policy for each cell."""
    found: S3Server = request.getfixturevalue(request.param)
    return found


OpenStore = Callable[[CellName], ObjectStore]


@pytest.fixture(params=["folder", "minio", "versitygw"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Stores of cells, of each sort: one suite for all."""
    if request.param == "folder":
        return lambda cell: ObjectStore(folder_address(tmp_path / "objects", cell))
    server: S3Server = request.getfixturevalue(request.param)
    return lambda cell: ObjectStore(address_on(server, cell))


async def test_put_get_find_list_delete(open_store: OpenStore) -> None:
    objects = open_store(CELLS[1]).of("shops_sharma")
    await objects.put("ab/one", b"one", "image/png")
    await objects.put("ab/one", b"other")
    await objects.put("ab/two", b"")
    await objects.put("abc/three", b"3")
    assert await objects.get("ab/one") == b"other"
    assert await objects.get("ab/two") == b""
    info = await objects.find("ab/one")
    assert info is not None
    assert info.size == 5
    assert sorted(await objects.list("ab")) == ["ab/one", "ab/two"]
    await objects.delete("ab/one", "ab/two", "abc/three", "ab/never")
    assert await objects.list("ab") == []
    assert await objects.find("ab/one") is None
    assert await objects.get_or_none("ab/one") is None
    with pytest.raises(ObjectMissing):
        await objects.get("ab/one")


async def test_large_objects_go_in_parts_and_come_back(open_store: OpenStore, tmp_path: Path) -> None:
    objects = open_store(CELLS[1]).of("shops_sharma")
    source, target = tmp_path / "large", tmp_path / "back"
    block = bytes(range(256)) * 4096
    source.write_bytes(block * 21)
    await objects.put("la/rge", source, "application/pdf")
    with target.open("wb") as out:
        async for piece in objects.read("la/rge"):
            out.write(piece)
    assert target.read_bytes() == source.read_bytes()
    await objects.delete("la/rge")


@pytest.mark.parametrize(
    "key", ["../shops_other/x", "a/../../x", "/a", "a//b", "", "a/", "a b", ".hidden", "x" * 600]
)
async def test_no_key_leaves_the_tenants_prefix(open_store: OpenStore, key: str) -> None:
    objects = open_store(CELLS[0]).of("shops_sharma")
    with pytest.raises(Permanent):
        await objects.put(key, b"x")
    with pytest.raises(Permanent):
        await objects.get(key)


@pytest.mark.parametrize("tenant", ["", "..", "shops_a/b", "shops", "Shops_A", "shops_a/../shops_b"])
def test_only_a_tenants_key_opens_a_prefix(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(Permanent):
        ObjectStore(folder_address(tmp_path, CELLS[0])).of(tenant)


@pytest.mark.parametrize("other", [CELLS[0], CELLS[2]], ids=["pool", "one-whose-name-begins-the-same"])
async def test_a_tenants_key_opens_its_own_prefix_only(server: S3Server, other: CellName) -> None:
    mine = CELLS[1]
    theirs = ObjectStore(address_on(server, other)).of("shops_other")
    await theirs.put("ab/secret", b"theirs")
    thief = ObjectStore(address_on(server, other, keys_of=mine)).of("shops_other")
    for attempt in (
        lambda: thief.get("ab/secret"),
        lambda: thief.find("ab/secret"),
        lambda: thief.put("ab/secret", b"mine now"),
        lambda: thief.list("ab"),
        lambda: thief.delete("ab/secret"),
    ):
        with pytest.raises(StoreRefused):
            await attempt()
    assert await theirs.get("ab/secret") == b"theirs"
    # The same with an S3 client that knows nothing of our prefixes.
    plain = server.client(user_of(mine), MASTER.storage_secret(mine))
    key = f"cells/{other}/shops_other/ab/secret"
    for call in (
        lambda: plain.get_object(bucket_name=BUCKET, object_name=key),
        lambda: plain.put_object(bucket_name=BUCKET, object_name=key, data=io.BytesIO(b"x"), length=1),
        lambda: plain.remove_object(bucket_name=BUCKET, object_name=key),
        lambda: list(plain.list_objects(bucket_name=BUCKET, prefix=f"cells/{other}/", recursive=True)),
        lambda: list(plain.list_objects(bucket_name=BUCKET, recursive=True)),
        lambda: plain.make_bucket(bucket_name="of-my-own"),
    ):
        with pytest.raises(S3Error) as refused:
            call()
        assert refused.value.code in {"AccessDenied", "AllAccessDisabled"}


async def test_a_signed_url_opens_one_object_and_no_other(server: S3Server) -> None:
    objects = ObjectStore(address_on(server, CELLS[1])).of("shops_sharma")
    await objects.put("ab/seen", b"seen", "image/png")
    await objects.put("ab/hidden", b"hidden")
    url = await objects.sign("ab/seen", 60)
    assert url is not None
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert (answer.status, await answer.read()) == (200, b"seen")
            assert answer.content_type == "image/png"
        async with http.get(url.replace("seen", "hidden")) as answer:
            assert answer.status == 403
        async with http.get(url.partition("?")[0]) as answer:
            assert answer.status == 403


async def test_what_a_store_hides_from_who_may_only_list_is_told_apart(tmp_path: Path) -> None:
    """Amazon answers 403, not 404, to who may list a prefix only; here to who may not read at all."""
    cell = CELLS[1]
    with running(VersityServer(tmp_path / "s3")) as server:
        assert isinstance(server, VersityServer)
        server.add_user(user_of(cell), MASTER.storage_secret(cell))
        policy = cell_policy(BUCKET, cell)
        objects, listing = policy["Statement"]
        server.allow({user_of(cell): {"Statement": [{**objects, "Action": ["s3:PutObject"]}, listing]}})
        blind = ObjectStore(address_on(server, cell)).of("shops_sharma")
        await blind.put("ab/there", b"x")
        assert await blind.find("ab/thera") is None
        assert await blind.get_or_none("zz/nothing") is None
        with pytest.raises(StoreRefused):
            await blind.find("ab/there")


async def test_the_operator_finds_its_own_policy_unchanged(tmp_path: Path) -> None:
    with running(MinioServer(tmp_path / "s3")) as server:
        storage = storage_of(server)
        made = await storage.ensure(CELLS[1])
        assert made == ["storage policy", "storage user", "storage policy of the user"]
        assert await storage.ensure(CELLS[1]) == []
        objects = ObjectStore(address_on(server, CELLS[1])).of("shops_sharma")
        await objects.put("ab/x", b"x")
        await storage.erase(CELLS[1], TenantKey("shops_sharma"))
        assert await objects.find("ab/x") is None
        await storage.shut_out(CELLS[1])
        with pytest.raises(StoreRefused):
            await objects.put("ab/x", b"x")


async def test_objects_are_encrypted_where_the_store_is_asked_to(minio: S3Server, tmp_path: Path) -> None:
    sealed = address_on(minio, CELLS[1]).model_copy(update={"encryption": "AES256"})
    objects = ObjectStore(sealed).of("shops_sharma")
    large = tmp_path / "large"
    large.write_bytes(bytes(20_000_000))
    await objects.put("ab/small", b"x")
    await objects.put("ab/large", large)
    assert await objects.get("ab/small") == b"x"
    for name in ("small", "large"):
        key = f"cells/{CELLS[1]}/shops_sharma/ab/{name}"
        found = minio.client().stat_object(bucket_name=BUCKET, object_name=key)
        assert found.metadata is not None
        assert found.metadata["x-amz-server-side-encryption"] == "AES256"
    url = await objects.sign("ab/small", 60)
    assert url is not None
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert await answer.read() == b"x"


async def test_a_server_that_is_away_is_asked_again(tmp_path: Path) -> None:
    with running(MinioServer(tmp_path / "s3")) as server:
        await storage_of(server).ensure(CELLS[0])
        objects = ObjectStore(address_on(server, CELLS[0])).of("shops_sharma")
        await objects.put("ab/x", b"x")
        server.kill()
        with pytest.raises(Retryable):
            await objects.get("ab/x")
        server.start()
        assert await objects.get("ab/x") == b"x"


def test_the_cells_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    for name, text in {
        "cell.json": '{"cell": "pool"}',
        "nats-url": "nats://x",
        "sealing-key": "00" * 32,
    }.items():
        (folder / name).write_text(text)
    assert load_cell(folder).object_store is None
    secret = "a-secret-key"
    address = bucket_address(
        "s3://bucket",
        CELLS[0],
        endpoint="http://s3:9000",
        region="ap-south-1",
        access_key="k",
        secret_key=secret,
    )
    (folder / "object-store.json").write_text(object_store_text(address))
    cell = load_cell(folder)
    assert cell.object_store == address
    assert cell.object_store.secret_key.get_secret_value() == secret
    assert secret not in repr(cell)
    assert cell.object_store.allow_http


@pytest.fixture
def s3_stage(
    servers: Servers, meta: EmulatorProcess, tmp_path: Path, services: Services
) -> Iterator[tuple[Stage, MinioServer]]:
    """A service over MinIO, whose server may be killed."""
    minio = MinioServer(tmp_path / "s3")
    with running(minio):
        asyncio.run(storage_of(minio).ensure(CELLS[0]))
        engines = make_engines(tmp_path / "engines", "documents", "speech", "voices")
        stage = Stage(
            tmp_path, servers, meta, services, engines, address=lambda cell: address_on(minio, cell)
        )
        yield stage, minio
        services.stop_all()
        asyncio.run(stage.cells.remove())


async def test_the_whole_way_over_s3_with_the_server_down_and_back(
    s3_stage: tuple[Stage, MinioServer],
) -> None:
    stage, minio = s3_stage
    await stage.open()
    shop = await stage.shop()
    data = files.picture(text="over S3")
    request = await shop.takes(data, "image/jpeg")
    answer = await stage.read(request)
    assert answer.document is not None
    assert await shop.objects.get(original(answer).key) == data
    signed, _ = await stage.ask(Verb.SIGN, SignRequest(tenant=shop.key, object_key=original(answer).key))
    assert isinstance(signed, MediaAnswer)
    assert signed.url is not None
    assert signed.url.startswith(minio.endpoint)
    async with aiohttp.ClientSession() as http, http.get(signed.url) as got:
        assert await got.read() == data

    later = await shop.takes(files.picture(text="while it is down"), "image/jpeg")
    minio.kill()
    failure, _ = await stage.ask(Verb.READ, later)
    assert isinstance(failure, MediaFailure)
    assert failure.reason == "store_away"
    assert stage.service is not None
    await stage.until(lambda: not stage.service.answers("/readyz"))  # type: ignore[union-attr]
    assert stage.service.answers("/healthz")
    minio.start()
    await stage.until(lambda: stage.service.answers("/readyz"))  # type: ignore[union-attr]
    assert (await stage.read_at_last(later)).document is not None
    assert await stage.read(request) == answer


async def test_a_folder_that_cannot_be_written_is_asked_again(own_stage: Stage) -> None:
    await own_stage.open()
    shop = await own_stage.shop()
    request = await shop.takes(files.picture(), "image/jpeg")
    objects = own_stage.folder / "objects"
    away = own_stage.folder / "away"
    objects.rename(away)
    objects.write_text("a file in the place of the folder")
    failure, _ = await own_stage.ask(Verb.READ, request)
    assert isinstance(failure, MediaFailure)
    assert failure.reason == "store_away"
    objects.unlink()
    away.rename(objects)
    assert (await own_stage.read_at_last(request)).document is not None
