"""Policies of the object store: one cell's prefix and nothing beside it. No socket."""

import fnmatch
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL
from munshi.errors import UserMistake
from munshi_operator.outside.policies import cell_policy, policy_name, prefix_of, user_of
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.outside.storage import FolderStorage, NoStorage, S3Storage, open_storage
from rig.outside import MASTER

SHOP = CellName("shops_a")


def allowed(policy: dict[str, Any], action: str, resource: str, prefix: str | None = None) -> bool:
    """Evaluates a policy as S3 does: `*` stands for anything, a condition must hold."""
    for statement in policy["Statement"]:
        if action not in statement["Action"]:
            continue
        if not any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"]):
            continue
        wanted = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix")
        if wanted is None or (prefix is not None and any(fnmatch.fnmatchcase(prefix, one) for one in wanted)):
            return True
    return False


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
def test_objects_under_the_own_prefix_and_no_others(action: str) -> None:
    policy = cell_policy("media", SHOP)
    assert allowed(policy, action, "arn:aws:s3:::media/cells/shops_a/shops_a/2026/x.jpg")
    for other in (
        "media/cells/shops_ab/shops_ab/x.jpg",
        "media/cells/pool/shops_a/x.jpg",
        "media/x.jpg",
        "other/cells/shops_a/shops_a/x.jpg",
        "media",
    ):
        assert not allowed(policy, action, f"arn:aws:s3:::{other}")


def test_listing_needs_the_own_prefix() -> None:
    policy = cell_policy("media", SHOP)
    assert allowed(policy, "s3:ListBucket", "arn:aws:s3:::media", "cells/shops_a/shops_a/")
    for prefix in (None, "", "cells/", "cells/shops_ab/", "cells/pool/"):
        assert not allowed(policy, "s3:ListBucket", "arn:aws:s3:::media", prefix)
    assert not allowed(policy, "s3:ListAllMyBuckets", "arn:aws:s3:::media")
    assert not allowed(policy, "s3:PutBucketPolicy", "arn:aws:s3:::media")


@pytest.mark.parametrize(
    ("bucket", "cell"), [("media/*", "a"), ("*", "a"), ("media", "*"), ("media", "a/../b")]
)
def test_names_that_would_widen_a_policy_are_refused(bucket: str, cell: str) -> None:
    with pytest.raises(ValueError, match="is no name of"):
        cell_policy(bucket, CellName(cell))


def test_users_fit_what_s3_servers_take_and_differ() -> None:
    users = {user_of(CellName(f"shops_{number}")) for number in range(1000)}
    assert len(users) == 1000
    assert all(3 <= len(user) <= 20 and user.isalnum() for user in users)
    assert len(MASTER.storage_secret(SHOP)) == 40
    assert policy_name(SHOP) != policy_name(POOL)
    assert prefix_of(POOL, TenantKey("shops_a")) == "cells/pool/shops_a/"


def test_the_url_says_which_store(tmp_path: Path) -> None:
    plain = OutsideSettings()
    half = OutsideSettings(object_store_endpoint="https://s3.example:9000", object_store_access_key="admin")
    whole = half.model_copy(update={"object_store_secret_key": SecretStr("secret")})
    assert isinstance(open_storage("", plain, MASTER), NoStorage)
    assert isinstance(open_storage(f"file://{tmp_path}", plain, MASTER), FolderStorage)
    opened = open_storage("s3://media", whole, MASTER)
    assert isinstance(opened, S3Storage)
    assert opened.part().reason == "Ready"
    unmanaged = open_storage("s3://media", plain, MASTER).part()
    assert (unmanaged.ok, unmanaged.reason) == (True, "NotSetUp")
    assert "nothing was set up in the bucket media" in unmanaged.message
    assert "MUNSHI_OPERATOR_OBJECT_STORE_ENDPOINT" in unmanaged.message
    with pytest.raises(UserMistake, match="secret key"):
        open_storage("s3://media", half, MASTER)
    with pytest.raises(UserMistake, match="neither"):
        open_storage("ftp://x", plain, MASTER)
