"""A changed user or policy of a cell, on a real MinIO, is named and set right at the next look."""

from collections.abc import Callable

import pytest

from munshi.cells import ObjectStoreAddress
from munshi.contracts.ids import CellName, TenantKey
from munshi.errors import MunshiError
from munshi.objects import ObjectStore
from munshi_operator.outside.policies import cell_policy, policy_name, user_of
from munshi_operator.outside.storage import S3Storage
from rig.object_stores import BUCKET

SHOP = TenantKey("shops_sharma")
OWN, OTHER = CellName(SHOP), CellName("shops_verma")
USER, POLICY = user_of(OWN), policy_name(OWN)


def _remove_user(storage: S3Storage) -> None:
    storage.admin.user_remove(USER)


def _disable_user(storage: S3Storage) -> None:
    storage.admin.user_disable(USER)


def _give_another_policy(storage: S3Storage) -> None:
    """One that opens everything."""
    storage.admin.policy_set("readwrite", user=USER)


def _widen_policy(storage: S3Storage) -> None:
    """To the files of another cell."""
    storage.admin.policy_add(POLICY, policy=cell_policy(BUCKET, OTHER))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_remove_user, "storage user"),
        (_disable_user, "storage user"),
        (_give_another_policy, "storage policy of the user"),
        (_widen_policy, "storage policy"),
    ],
)
async def test_what_drifted_is_set_right_and_named(
    storage: S3Storage, spoil: Callable[[S3Storage], None], named: str
) -> None:
    await storage.ensure(OWN)
    await storage.ensure(OTHER)
    assert await storage.ensure(OWN) == [], "a rest state is left alone"
    spoil(storage)
    assert named in await storage.ensure(OWN)
    assert await storage.ensure(OWN) == []
    address = ObjectStoreAddress.model_validate_json(storage.address(OWN) or "")
    mine = ObjectStore(address).of(SHOP)
    await mine.put("ab/one", b"one")
    assert await mine.get("ab/one") == b"one"
    theirs = address.model_copy(update={"prefix": f"cells/{OTHER}/"})
    with pytest.raises(MunshiError):
        await ObjectStore(theirs).of("shops_verma").put("ab/one", b"forged")
