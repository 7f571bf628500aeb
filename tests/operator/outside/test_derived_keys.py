"""Keys from the master key: the same for ever, each for one owner and use. No socket."""

import base64
import hashlib
import hmac

import pytest

from munshi.contracts.ids import CellName, TenantKey
from munshi.errors import UserMistake
from munshi.provision.cell_rights import cell_creds, ingress_creds, media_creds, service_users
from munshi.provision.derived_keys import MasterKey
from munshi.provision.nats_jwt import Identity, claims

MASTER = MasterKey(bytes(range(32)))
SHOP = CellName("shops_sharma")


def _hkdf(context: str) -> bytes:
    """RFC 5869 by its own words: extract, then one block of expand."""
    extracted = hmac.digest(b"munshi.dev/keys/v1", MASTER.secret, hashlib.sha256)
    return hmac.digest(extracted, context.encode() + b"\x01", hashlib.sha256)


def test_a_key_is_hkdf_of_the_master_key_with_owner_and_use_as_context() -> None:
    assert MASTER.derive("cell/pool/sealing-key") == _hkdf("cell/pool/sealing-key")
    assert MASTER.cell(SHOP).sealing_key == _hkdf("cell/shops_sharma/sealing-key").hex()
    keys = MASTER.tenant(TenantKey("shops_sharma"))
    assert keys.lookup_key == _hkdf("tenant/shops_sharma/lookup-key").hex()
    assert keys.data_key == _hkdf("tenant/shops_sharma/data-key").hex()


@pytest.mark.parametrize(
    ("context", "seed"),
    [
        ("cell/shops_sharma/account", MASTER.cell(SHOP).account_seed),
        ("cell/shops_sharma/orchestrator", MASTER.cell(SHOP).service_seed),
        ("cell/shops_sharma/admin", MASTER.cell(SHOP).admin_seed),
        ("cell/shops_sharma/ingress", MASTER.ingress_user(SHOP).seed),
        ("cell/shops_sharma/media", MASTER.media_user(SHOP).seed),
        ("platform/nats-operator", MASTER.operator().identity.seed),
        ("platform/nats-system-account", MASTER.operator().system_account.seed),
        ("platform/nats-system-user", MASTER.operator().system_user.seed),
    ],
)
def test_a_seed_of_nats_holds_the_32_bytes_of_its_context(context: str, seed: str) -> None:
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    assert raw[2:34] == _hkdf(context)  # two bytes of prefix, the seed, two of checksum


def test_no_two_owners_or_uses_share_a_key() -> None:
    cells = [CellName("pool"), SHOP, CellName("shops_verma")]
    found = [value for cell in cells for value in MASTER.cell(cell).model_dump().values()]
    found += [MASTER.ingress_user(cell).seed for cell in cells]
    found += [MASTER.media_user(cell).seed for cell in cells]
    found += [MASTER.storage_secret(cell) for cell in cells]
    found += [v for t in ("shops_a", "shops_b") for v in MASTER.tenant(TenantKey(t)).model_dump().values()]
    assert len(set(found)) == len(found)
    assert MASTER.cell(SHOP) != MasterKey(bytes(32)).cell(SHOP)


def test_credentials_are_the_same_each_time_so_that_secrets_stay_untouched() -> None:
    assert ingress_creds(MASTER, SHOP) == ingress_creds(MASTER, SHOP)
    assert cell_creds(MASTER, SHOP) == cell_creds(MASTER, SHOP)
    operator = MASTER.operator()
    assert operator.jwt() == operator.jwt()
    assert operator.system_account_jwt() == operator.system_account_jwt()
    assert operator.system_creds() == operator.system_creds()


def test_creds_are_signed_by_the_account_of_their_cell() -> None:
    account = Identity.from_seed(MASTER.cell(SHOP).account_seed).public
    users = cell_creds(MASTER, SHOP)
    texts = (ingress_creds(MASTER, SHOP), users.services, media_creds(MASTER, SHOP))
    jwts = [claims(text.splitlines()[1]) for text in texts]
    assert [jwt["iss"] for jwt in jwts] == [account] * 3
    assert tuple(jwt["sub"] for jwt in jwts) == service_users(MASTER, SHOP)


def test_a_master_key_is_32_bytes_in_hex_and_never_shown() -> None:
    assert MasterKey.from_hex(MASTER.secret.hex() + "\n") == MASTER
    for wrong in ("", "zz", "00" * 31, "00" * 33):
        with pytest.raises(UserMistake, match="openssl rand"):
            MasterKey.from_hex(wrong)
    assert "secret" not in repr(MASTER)
