"""Secrets and numbers: what is sealed opens for its owner only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.contracts.tenant import Credentials
from munshi.sealing import (
    Unsealable,
    conversation_key,
    lookup_hash,
    new_key,
    seal,
    seal_credentials,
    unseal,
    unseal_credentials,
)

KEY = bytes(range(32))


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_opens_again(plain: bytes, owner: str) -> None:
    assert unseal(KEY, seal(KEY, plain, owner), owner) == plain


def test_the_same_value_never_looks_the_same() -> None:
    assert seal(KEY, b"919820000000", "shops_a") != seal(KEY, b"919820000000", "shops_a")


@pytest.mark.parametrize(
    ("key", "owner"), [(bytes(32), "shops_a"), (KEY, "shops_b")], ids=["another key", "another owner"]
)
def test_it_opens_for_its_owner_only(key: bytes, owner: str) -> None:
    with pytest.raises(Unsealable):
        unseal(key, seal(KEY, b"secret", "shops_a"), owner)


@given(st.integers(min_value=0, max_value=200))
def test_a_changed_byte_is_noticed(position: int) -> None:
    sealed = bytearray(seal(KEY, b"secret", "shops_a"))
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(Unsealable):
        unseal(KEY, bytes(sealed), "shops_a")


@pytest.mark.parametrize("damaged", [b"", b"\x01", b"\x02" + bytes(40), b"\x01" + bytes(5)])
def test_damaged_bytes_are_refused(damaged: bytes) -> None:
    with pytest.raises(Unsealable):
        unseal(KEY, damaged, "shops_a")


@pytest.mark.parametrize("previous", [None, "older"])
def test_credentials_come_back_whole(previous: str | None) -> None:
    credentials = Credentials.model_validate(
        {
            "app_secret": "s",
            "app_secret_previous": previous,
            "access_token": "t",
            "verify_token": "v",
            "lookup_key": new_key(),
            "data_key": new_key(),
        }
    )
    assert unseal_credentials(KEY, seal_credentials(KEY, credentials, "shops_a"), "shops_a") == credentials


def test_a_conversation_follows_the_business_scoped_id() -> None:
    by_both = conversation_key(KEY, "1", "IN.abc", "919820000000")
    assert by_both == conversation_key(KEY, "1", "IN.abc", None)
    assert by_both != conversation_key(KEY, "1", None, "919820000000")
    assert by_both != conversation_key(KEY, "2", "IN.abc", None)
    assert by_both != conversation_key(bytes(32), "1", "IN.abc", None)


@given(st.text(max_size=140), st.text(max_size=20))
def test_a_conversation_key_is_a_subject_token(bsuid: str, phone: str) -> None:
    key = conversation_key(KEY, "106540352242922", bsuid, phone)
    assert len(key) == 26
    assert key.isascii()
    assert key.isalnum()


def test_kinds_of_identity_never_collide() -> None:
    assert lookup_hash(KEY, "phone", "1") != lookup_hash(KEY, "bsuid", "1")
    assert len(lookup_hash(KEY, "phone", "1")) == 32
